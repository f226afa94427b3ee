package daap

import (
	"context"
	"strconv"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

const (
	// passes covers our webhook and CNPG's between the first pass and the validating one.
	passes    = 15 * time.Second
	clockSkew = 5 * time.Second
)

// base is what a Cluster's stamps continue from: nothing, the stored Cluster, or its tombstone.
type base struct {
	object      *object
	isTombstone bool
}

func (r *review) base(ctx context.Context, brought string, hasBrought bool) (base, error) {
	if r.operation != admissionv1.Create {
		return base{object: r.old}, nil
	}
	// An id that the request did not bring cannot be that of a deleted database.
	id, ok := r.object.labels[labelID]
	if !ok || !hasBrought || brought != id {
		return base{}, nil
	}
	found, err := r.tombstone(ctx, id)
	return base{object: found, isTombstone: found != nil}, err
}

// expectedStamps is what the Cluster should carry; what is missing should be absent.
func (r *review) expectedStamps(from base, cluster *object) map[string]string {
	record := trackedOf(cluster)
	var past history
	expected := map[string]string{}
	if from.object != nil {
		if text, ok := from.object.annotations[annotationHistory]; ok {
			past, _ = parseHistory(text)
		}
		for _, key := range stamps {
			if value, ok := from.object.annotations[key]; ok {
				expected[key] = value
			}
		}
	}
	unchanged := from.object != nil && !from.isTombstone && trackedOf(from.object) == record
	// A repair may take into the record what was changed behind the back of admission.
	isRepair := pendingOperation(cluster.annotations[annotationPending]) == "repair"
	if unchanged && (!isRepair || past.current() == record) {
		return expected
	}
	begins := r.begin(past, cluster)
	var reason *string
	if text := cluster.annotations[annotationChangeReason]; text != "" && checkText(text) == nil {
		reason = &text
	}
	next := past.with(r.action(from, cluster, record), begins, r.user, reason, record)
	if _, ok := expected[annotationCreatedAt]; !ok {
		expected[annotationCreatedAt] = begins.Format(time.RFC3339Nano)
	}
	if _, ok := expected[annotationCreatedBy]; !ok {
		expected[annotationCreatedBy] = r.user
	}
	expected[annotationUpdatedAt] = begins.Format(time.RFC3339Nano)
	expected[annotationUpdatedBy] = r.user
	expected[annotationVersion] = strconv.FormatUint(next.version(), 10)
	expected[annotationHistory] = next.annotation()
	return expected
}

// begin is when the new version begins. An earlier pass over the same write has said so already, if
// what the object carries could be its work.
func (r *review) begin(past history, cluster *object) time.Time {
	now := past.nextInstant(r.at)
	text, ok := cluster.annotations[annotationHistory]
	if !ok {
		return now
	}
	carried, err := parseHistory(text)
	if err != nil || len(carried.Rows) == 0 {
		return now
	}
	last := carried.Rows[len(carried.Rows)-1]
	if last.Version != past.version()+1 || last.By != r.user || !past.nextInstant(last.From).Equal(last.From) {
		return now
	}
	if age := r.at.Sub(last.From); age > passes || age < -clockSkew {
		return now
	}
	return last.From.UTC()
}

func (r *review) action(from base, cluster *object, record tracked) string {
	pending := pendingOperation(cluster.annotations[annotationPending])
	switch {
	case from.object == nil:
		return "created"
	case from.isTombstone:
		return "restored"
	case pending == "repair":
		return "repaired"
	case trackedOf(from.object).OwnerTeam != record.OwnerTeam:
		return "transferred"
	case pending == "rollback" && from.object.annotations[annotationPending] != cluster.annotations[annotationPending]:
		return "rolled-back"
	}
	return "updated"
}
