package dev.tributary.client.cli;

import picocli.CommandLine.Command;

/// `tributary adapters`: the group of commands about adapters.
@Command(name = "adapters", description = "Look after adapters.")
final class AdaptersCommand {}
