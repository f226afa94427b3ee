package daap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	largestAnnotation = 32 * 1024
	// foldedPart is the part of the versions that is folded at once.
	foldedPart = 16
)

var actions = []string{"created", "updated", "transferred", "rolled-back", "deleted", "restored", "repaired"}

// tracked are the fields whose changes make versions.
type tracked struct {
	OwnerTeam string `json:"ownerTeam"`
	Purpose   string `json:"purpose"`
	Instances int64  `json:"instances"`
	Storage   string `json:"storage"`
}

func trackedOf(cluster *object) tracked {
	instances, _ := integer(cluster.at("spec", "instances"))
	return tracked{
		OwnerTeam: cluster.labels[labelOwnerTeam],
		Purpose:   cluster.annotations[annotationPurpose],
		Instances: instances,
		Storage:   cluster.textOrEmpty("spec", "storage", "size"),
	}
}

// changes are the tracked fields that a version changed.
type changes struct {
	OwnerTeam *string `json:"ownerTeam,omitempty"`
	Purpose   *string `json:"purpose,omitempty"`
	Instances *int64  `json:"instances,omitempty"`
	Storage   *string `json:"storage,omitempty"`
}

func changesBetween(before, after tracked) changes {
	var found changes
	if before.OwnerTeam != after.OwnerTeam {
		found.OwnerTeam = &after.OwnerTeam
	}
	if before.Purpose != after.Purpose {
		found.Purpose = &after.Purpose
	}
	if before.Instances != after.Instances {
		found.Instances = &after.Instances
	}
	if before.Storage != after.Storage {
		found.Storage = &after.Storage
	}
	return found
}

func (t *tracked) apply(set changes) {
	if set.OwnerTeam != nil {
		t.OwnerTeam = *set.OwnerTeam
	}
	if set.Purpose != nil {
		t.Purpose = *set.Purpose
	}
	if set.Instances != nil {
		t.Instances = *set.Instances
	}
	if set.Storage != nil {
		t.Storage = *set.Storage
	}
}

// row is one stored version.
type row struct {
	Version uint64    `json:"v"`
	From    time.Time `json:"from"`
	By      string    `json:"by"`
	Reason  *string   `json:"reason,omitempty"`
	Action  string    `json:"action"`
	Set     changes   `json:"set"`
}

// folded stands for the oldest versions.
type folded struct {
	Versions uint64    `json:"versions"`
	From     time.Time `json:"from"`
	By       string    `json:"by"`
	Record   tracked   `json:"record"`
}

// history holds every version of a record, oldest first.
type history struct {
	Folded *folded
	Rows   []row
}

// stored is a history as it stands in the annotation: the older rows packed.
type stored struct {
	Folded *folded `json:"folded,omitempty"`
	Packed string  `json:"packed,omitempty"`
	Rows   []row   `json:"rows"`
}

func parseHistory(annotation string) (history, error) {
	var read stored
	if err := json.Unmarshal([]byte(annotation), &read); err != nil {
		return history{}, err
	}
	parsed := history{Folded: read.Folded, Rows: read.Rows}
	older, err := unpack(read.Packed, read.Folded.version())
	if err != nil {
		return history{}, err
	}
	parsed.Rows = append(older, parsed.Rows...)
	for _, row := range parsed.Rows {
		if !slices.Contains(actions, row.Action) {
			return history{}, fmt.Errorf("unknown action %q", row.Action)
		}
	}
	return parsed, nil
}

// annotation writes it without the escapes for HTML, which would be another text.
func (h history) annotation() string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	older, count := pack(h.Rows[:max(0, len(h.Rows)-latest)], h.Folded.version())
	if err := encoder.Encode(stored{Folded: h.Folded, Packed: older, Rows: h.Rows[count:]}); err != nil {
		return ""
	}
	return string(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

func (h history) version() uint64 {
	if len(h.Rows) > 0 {
		return h.Rows[len(h.Rows)-1].Version
	}
	return h.Folded.version()
}

func (f *folded) version() uint64 {
	if f == nil {
		return 0
	}
	return f.Versions
}

func (h history) latest() (time.Time, bool) {
	if len(h.Rows) > 0 {
		return h.Rows[len(h.Rows)-1].From, true
	}
	if h.Folded != nil {
		return h.Folded.From, true
	}
	return time.Time{}, false
}

func (h history) current() tracked {
	var record tracked
	if h.Folded != nil {
		record = h.Folded.Record
	}
	for _, row := range h.Rows {
		record.apply(row.Set)
	}
	return record
}

// nextInstant is when a version may begin: to the millisecond, and after the last.
func (h history) nextInstant(at time.Time) time.Time {
	at = at.UTC().Round(time.Millisecond)
	if latest, ok := h.latest(); ok && !at.After(latest) {
		return latest.Add(time.Millisecond)
	}
	return at
}

// with is this history and one version more; the oldest are folded while it would be too large.
func (h history) with(action string, from time.Time, by string, reason *string, record tracked) history {
	next := history{Folded: h.Folded, Rows: slices.Clone(h.Rows)}
	next.Rows = append(next.Rows, row{
		Version: h.version() + 1,
		From:    from,
		By:      by,
		Reason:  reason,
		Action:  action,
		Set:     changesBetween(h.current(), record),
	})
	for len(next.Rows) > 1 && len(next.annotation()) > largestAnnotation {
		for range (len(next.Rows) + foldedPart - 1) / foldedPart {
			next.foldOldest()
		}
	}
	return next
}

func (h *history) foldOldest() {
	oldest := h.Rows[0]
	h.Rows = h.Rows[1:]
	sum := folded{From: oldest.From, By: oldest.By}
	if h.Folded != nil {
		sum = *h.Folded
	}
	sum.Versions = oldest.Version
	sum.Record.apply(oldest.Set)
	h.Folded = &sum
}

// keepsEveryVersion says whether a tombstone has the record of the Cluster and one row more.
func keepsEveryVersion(tombstone, cluster *object) bool {
	parse := func(of *object) (history, error) {
		if text, ok := of.annotations[annotationHistory]; ok {
			return parseHistory(text)
		}
		return history{}, nil
	}
	kept, err := parse(tombstone)
	if err != nil {
		return false
	}
	live, err := parse(cluster)
	if err != nil || kept.version() != live.version()+1 {
		return false
	}
	for _, row := range live.Rows {
		for _, other := range kept.Rows {
			if other.Version == row.Version && !sameRow(other, row) {
				return false
			}
		}
	}
	return true
}

func sameRow(a, b row) bool {
	one, _ := json.Marshal(a)
	other, _ := json.Marshal(b)
	return bytes.Equal(one, other)
}
