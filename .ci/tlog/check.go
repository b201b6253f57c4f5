package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// check looks at all of them, and says how many of each there were.
func (v *Vectors) check() error {
	return errors.Join(
		all("notes", v.Notes, SignedNote.check),
		all("checkpoints", v.Checkpoints, Checkpoint.check),
		all("cosignatures", v.Cosignatures, Cosigned.check),
		all("inclusion proofs", v.Inclusions, Inclusion.check),
		all("consistency proofs", v.Consistencies, Consistency.check),
		all("proof files", v.Proofs, Proof.check),
		all("policies", v.Policies, Policy.check),
		all("paths", v.Paths, Path.check))
}

func all[T any](what string, vectors []T, check func(T) error) error {
	if len(vectors) == 0 {
		return fmt.Errorf("%s: none to check", what)
	}
	for i, vector := range vectors {
		if err := check(vector); err != nil {
			return fmt.Errorf("%s: number %d: %w", what, i, err)
		}
	}
	fmt.Printf("ok %5d %s\n", len(vectors), what)
	return nil
}

func (n SignedNote) check() error {
	var verifiers []note.Verifier
	var signers []note.Signer
	for i, key := range n.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return err
		}
		signer, err := note.NewSigner(n.Secrets[i])
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
		signers = append(signers, signer)
	}
	opened, err := note.Open([]byte(n.Note), note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	if opened.Text != n.Text || len(opened.Sigs) != len(n.Keys) || len(opened.UnverifiedSigs) != 0 {
		return errors.New("text or signatures are others than expected")
	}
	signed, err := note.Sign(&note.Note{Text: n.Text}, signers...)
	if err != nil {
		return err
	}
	if string(signed) != n.Note {
		return fmt.Errorf("signed here it is %q", signed)
	}
	return nil
}

func (c Checkpoint) check() error {
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		return err
	}
	parsed, extensions, _, err := log.ParseCheckpoint([]byte(c.Note), c.Origin, verifier)
	if err != nil {
		return err
	}
	root := base64.StdEncoding.EncodeToString(parsed.Hash)
	if int64(parsed.Size) != c.Size || root != c.Root || len(extensions) != 0 {
		return fmt.Errorf("read as %d %s %q", parsed.Size, root, extensions)
	}
	return nil
}

func (c Cosigned) check() error {
	logVerifier, err := note.NewVerifier(c.Log)
	if err != nil {
		return err
	}
	verifier, err := fnote.NewVerifierForCosignatureV1(c.Witness)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(logVerifier, verifier))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 || opened.Sigs[1].Name != verifier.Name() {
		return fmt.Errorf("%d signatures are known", len(opened.Sigs))
	}
	time, err := fnote.CoSigV1Timestamp(opened.Sigs[1])
	if err != nil {
		return err
	}
	if time.Unix() != c.Time {
		return fmt.Errorf("the time is %d", time.Unix())
	}
	return nil
}

func (p Inclusion) check() error {
	hashes, err := hashes(append([]string{p.Leaf, p.Root}, p.Hashes...))
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes[2:], p.Size, hashes[1], p.Index, hashes[0])
}

func (p Consistency) check() error {
	hashes, err := hashes(append([]string{p.OldRoot, p.Root}, p.Hashes...))
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes[2:], p.Size, hashes[1], p.OldSize, hashes[0])
}

func hashes(texts []string) ([]tlog.Hash, error) {
	parsed := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		parsed[i] = hash
	}
	return parsed, nil
}

func (p Proof) check() error {
	var parsed proof.TLogProof
	if err := parsed.Unmarshal([]byte(p.Text)); err != nil {
		return err
	}
	if again := parsed.Marshal(); string(again) != p.Text {
		return fmt.Errorf("written again it is %q", again)
	}
	verifier, err := note.NewVerifier(p.Key)
	if err != nil {
		return err
	}
	tree, _, _, err := log.ParseCheckpoint(parsed.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return err
	}
	inclusion := Inclusion{
		Leaf:  p.Leaf,
		Index: int64(parsed.Index),
		Size:  int64(tree.Size),
		Root:  base64.StdEncoding.EncodeToString(tree.Hash),
	}
	for _, hash := range parsed.Hashes {
		inclusion.Hashes = append(inclusion.Hashes, tlog.Hash(hash).String())
	}
	return inclusion.check()
}

func (p Policy) check() error {
	group, err := witness.ParsePolicy([]byte(p.Text))
	if err != nil {
		return err
	}
	if quorum := group.Satisfied([]byte(p.Note)); quorum != p.Quorum {
		return fmt.Errorf("the quorum is %v", quorum)
	}
	return nil
}

func (p Path) check() error {
	if text := p.text(); text != p.Text {
		return fmt.Errorf("it is %s", text)
	}
	level := "0"
	if p.Level >= 0 {
		level = strconv.Itoa(p.Level)
	}
	_, index, width, err := layout.ParseTileLevelIndexPartial(level, layout.NWithSuffix(0, p.Index, uint8(p.Width)))
	if err != nil {
		return err
	}
	if index != p.Index || width != uint8(p.Width) {
		return fmt.Errorf("read as %d of width %d", index, width)
	}
	return nil
}

// text takes a width of 256 as 0, which stands for a full tile.
func (p Path) text() string {
	if p.Level < 0 {
		return layout.EntriesPath(p.Index, uint8(p.Width))
	}
	return layout.TilePath(uint64(p.Level), p.Index, uint8(p.Width))
}
