package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// proofsTried of a log are built from its tiles and looked at.
const proofsTried = 100

// checkExport lets Tessera check a whole log, then reads it as Tessera's clients do.
func checkExport(folder, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	ctx := context.Background()
	files := client.FileFetcher{Root: folder}
	if err := fsck.New(verifier.Name(), verifier, files, leafHashes, fsck.Opts{N: 2}).Check(ctx); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	tree, _, _, err := client.FetchCheckpoint(ctx, files.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		return err
	}
	if tree.Size == 0 {
		return fmt.Errorf("the log is empty, so nothing was checked")
	}
	if err := checkEntries(ctx, files, tree); err != nil {
		return err
	}
	if err := checkProofs(ctx, files, tree); err != nil {
		return err
	}
	fmt.Printf("ok a log of %d entries\n", tree.Size)
	return nil
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(entries.Entries))
	for i, entry := range entries.Entries {
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(entry)
	}
	return hashes, nil
}

// checkEntries streams all entries against the leaf hashes of the tiles.
func checkEntries(ctx context.Context, files client.FileFetcher, tree *log.Checkpoint) error {
	leaves, err := client.FetchLeafHashes(ctx, files.ReadTile, 0, tree.Size, tree.Size)
	if err != nil {
		return err
	}
	size := func(context.Context) (uint64, error) { return tree.Size, nil }
	bundles := client.EntryBundles(ctx, 1, size, files.ReadEntryBundle, 0, tree.Size)
	next := uint64(0)
	for hash, err := range client.Entries(bundles, leafHashes) {
		if err != nil {
			return fmt.Errorf("entry %d: %w", next, err)
		}
		if hash.Index != next || !bytes.Equal(hash.Entry, leaves[next]) {
			return fmt.Errorf("entry %d comes as %d with hash %x", next, hash.Index, hash.Entry)
		}
		next++
	}
	if next != tree.Size {
		return fmt.Errorf("%d entries of %d came", next, tree.Size)
	}
	return nil
}

// checkProofs builds proofs from the tiles, at both ends of the log and anywhere between.
func checkProofs(ctx context.Context, files client.FileFetcher, tree *log.Checkpoint) error {
	builder, err := client.NewProofBuilder(ctx, tree.Size, files.ReadTile)
	if err != nil {
		return err
	}
	indexes := []uint64{0, tree.Size - 1}
	for range proofsTried {
		indexes = append(indexes, rand.Uint64N(tree.Size))
	}
	for _, index := range indexes {
		hashes, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return err
		}
		leaf, err := client.FetchLeafHashes(ctx, files.ReadTile, index, 1, tree.Size)
		if err != nil {
			return err
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, tree.Size, leaf[0], hashes, tree.Hash); err != nil {
			return fmt.Errorf("inclusion of entry %d: %w", index, err)
		}
	}
	return nil
}
