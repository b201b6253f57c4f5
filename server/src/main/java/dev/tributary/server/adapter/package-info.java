/// LoRA adapters: reading PEFT folders, checking that they fit the base, leases.
@NullMarked
package dev.tributary.server.adapter;

import org.jspecify.annotations.NullMarked;
