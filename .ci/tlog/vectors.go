package main

import (
	"bytes"
	"encoding/json"
	"os"
)

// Vectors is the form of the file that both sides write and check. Hashes are in base64, keys in
// the text form of sumdb/note.
type Vectors struct {
	Notes         []SignedNote  `json:"notes"`
	Checkpoints   []Checkpoint  `json:"checkpoints"`
	Cosignatures  []Cosigned    `json:"cosignatures"`
	Inclusions    []Inclusion   `json:"inclusions"`
	Consistencies []Consistency `json:"consistencies"`
	Proofs        []Proof       `json:"proofs"`
	Policies      []Policy      `json:"policies"`
	Paths         []Path        `json:"paths"`
}

// SignedNote is a text and the note that comes of signing it with all those keys, in their order.
type SignedNote struct {
	Secrets []string `json:"secrets"`
	Keys    []string `json:"keys"`
	Text    string   `json:"text"`
	Note    string   `json:"note"`
}

// Checkpoint is what a note with that log's signature says.
type Checkpoint struct {
	Key    string `json:"key"`
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Note   string `json:"note"`
}

// Cosigned is a checkpoint with the signatures of a log and of a witness.
type Cosigned struct {
	Log     string `json:"log"`
	Witness string `json:"witness"`
	Time    int64  `json:"time"`
	Note    string `json:"note"`
}

// Inclusion is a proof that a leaf is in a tree.
type Inclusion struct {
	Leaf   string   `json:"leaf"`
	Index  int64    `json:"index"`
	Size   int64    `json:"size"`
	Root   string   `json:"root"`
	Hashes []string `json:"hashes"`
}

// Consistency is a proof that a tree is the beginning of another.
type Consistency struct {
	OldSize int64    `json:"oldSize"`
	OldRoot string   `json:"oldRoot"`
	Size    int64    `json:"size"`
	Root    string   `json:"root"`
	Hashes  []string `json:"hashes"`
}

// Proof is a file of c2sp.org/tlog-proof about a leaf in a log.
type Proof struct {
	Key  string `json:"key"`
	Leaf string `json:"leaf"`
	Text string `json:"text"`
}

// Policy says of a note whether its witnesses reach the quorum.
type Policy struct {
	Text   string `json:"text"`
	Note   string `json:"note"`
	Quorum bool   `json:"quorum"`
}

// Path is where a tile is; its level is -1 for a bundle of entries, its width 256 if it is full.
type Path struct {
	Level int    `json:"level"`
	Index uint64 `json:"index"`
	Width int    `json:"width"`
	Text  string `json:"text"`
}

func read(file string) (*Vectors, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var vectors Vectors
	return &vectors, decoder.Decode(&vectors)
}

func (v *Vectors) write(file string) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
