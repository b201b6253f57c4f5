package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	random "math/rand/v2"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin = "go.example/log"
	// leaves of the tree that the proofs are about
	leaves = 3000
	rounds = 200
)

// maker makes everything with one log key, one witness key and one tree.
type maker struct {
	random        *random.Rand
	secret, key   string
	signer        note.Signer
	witness       string
	witnessSigner *fnote.Signer
	tree          storage
}

// storage keeps the hashes of a tree in the order in which sumdb/tlog numbers them.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s[index]
	}
	return hashes, nil
}

// made has vectors of every kind but policies, which formats reads and does not write.
func made() (*Vectors, error) {
	m := maker{random: random.New(random.NewPCG(6, 1))}
	if err := m.keys(); err != nil {
		return nil, err
	}
	for i := range int64(leaves) {
		added, err := tlog.StoredHashes(i, fmt.Appendf(nil, "leaf %d", i), m.tree)
		if err != nil {
			return nil, err
		}
		m.tree = append(m.tree, added...)
	}
	vectors := &Vectors{Policies: []Policy{}}
	for range rounds {
		if err := m.round(vectors); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

func (m *maker) keys() error {
	var err error
	if m.secret, m.key, err = note.GenerateKey(rand.Reader, origin); err != nil {
		return err
	}
	if m.signer, err = note.NewSigner(m.secret); err != nil {
		return err
	}
	secret, key, err := note.GenerateKey(rand.Reader, "witness.example/go")
	if err != nil {
		return err
	}
	if m.witness, err = fnote.VKeyToCosignatureV1(key); err != nil {
		return err
	}
	m.witnessSigner, err = fnote.NewSignerForCosignatureV1(secret)
	return err
}

func (m *maker) round(v *Vectors) error {
	signed, err := m.note()
	if err != nil {
		return err
	}
	v.Notes = append(v.Notes, signed)
	size := 1 + m.random.Int64N(leaves)
	root, err := tlog.TreeHash(size, m.tree)
	if err != nil {
		return err
	}
	tree := log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}
	text, err := note.Sign(&note.Note{Text: string(tree.Marshal())}, m.signer)
	if err != nil {
		return err
	}
	v.Checkpoints = append(v.Checkpoints, Checkpoint{m.key, origin, size, root.String(), string(text)})
	cosigned, err := m.cosigned(string(tree.Marshal()))
	if err != nil {
		return err
	}
	v.Cosignatures = append(v.Cosignatures, cosigned)
	if err := m.proofs(v, size, root, text); err != nil {
		return err
	}
	path := Path{Level: m.random.IntN(65) - 1, Index: m.random.Uint64() >> (1 + m.random.IntN(63)), Width: 1 + m.random.IntN(256)}
	path.Text = path.text()
	v.Paths = append(v.Paths, path)
	return nil
}

func (m *maker) note() (SignedNote, error) {
	pieces := []string{"\n", " ", "a", "é", "😀", "— ", "+", "\u2028"}
	var text strings.Builder
	for range m.random.IntN(40) {
		text.WriteString(pieces[m.random.IntN(len(pieces))])
	}
	signed := SignedNote{Text: text.String() + "\n"}
	var signers []note.Signer
	for i := range 1 + m.random.IntN(3) {
		secret, key, err := note.GenerateKey(rand.Reader, fmt.Sprintf("é.example/%d", i))
		if err != nil {
			return signed, err
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			return signed, err
		}
		signed.Secrets = append(signed.Secrets, secret)
		signed.Keys = append(signed.Keys, key)
		signers = append(signers, signer)
	}
	note, err := note.Sign(&note.Note{Text: signed.Text}, signers...)
	signed.Note = string(note)
	return signed, err
}

func (m *maker) cosigned(text string) (Cosigned, error) {
	cosigned := Cosigned{Log: m.key, Witness: m.witness}
	signed, err := note.Sign(&note.Note{Text: text}, m.signer, m.witnessSigner)
	if err != nil {
		return cosigned, err
	}
	opened, err := note.Open(signed, note.VerifierList(m.witnessSigner.Verifier()))
	if err != nil {
		return cosigned, err
	}
	time, err := fnote.CoSigV1Timestamp(opened.Sigs[0])
	cosigned.Time = time.Unix()
	cosigned.Note = string(signed)
	return cosigned, err
}

func (m *maker) proofs(v *Vectors, size int64, root tlog.Hash, checkpoint []byte) error {
	index := m.random.Int64N(size)
	included, err := tlog.ProveRecord(size, index, m.tree)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(fmt.Appendf(nil, "leaf %d", index)).String()
	v.Inclusions = append(v.Inclusions, Inclusion{leaf, index, size, root.String(), texts(included)})
	file := proof.TLogProof{Index: uint64(index), Checkpoint: checkpoint}
	for _, hash := range included {
		file.Hashes = append(file.Hashes, hash)
	}
	v.Proofs = append(v.Proofs, Proof{m.key, leaf, string(file.Marshal())})
	oldSize := 1 + m.random.Int64N(size)
	oldRoot, err := tlog.TreeHash(oldSize, m.tree)
	if err != nil {
		return err
	}
	consistent, err := tlog.ProveTree(size, oldSize, m.tree)
	if err != nil {
		return err
	}
	v.Consistencies = append(v.Consistencies, Consistency{oldSize, oldRoot.String(), size, root.String(), texts(consistent)})
	return nil
}

func texts(hashes []tlog.Hash) []string {
	texts := make([]string, len(hashes))
	for i, hash := range hashes {
		texts[i] = base64.StdEncoding.EncodeToString(hash[:])
	}
	return texts
}
