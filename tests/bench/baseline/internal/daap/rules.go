package daap

import (
	"context"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
)

type rule func(*review, context.Context) ([]violation, error)

const (
	onCreate = 1 << iota
	onUpdate
	onDelete
)

var operations = map[admissionv1.Operation]int{
	admissionv1.Create: onCreate, admissionv1.Update: onUpdate, admissionv1.Delete: onDelete,
}

// family is a rule, and the operations that it judges.
type family struct {
	operations int
	judge      rule
}

var families = map[string][]family{
	"clusters": {
		{onCreate | onUpdate, (*review).clusterNaming},
		{onCreate | onUpdate, (*review).record},
		{onCreate | onUpdate, (*review).clusterLimits},
		{onUpdate, (*review).clusterImmutable},
		{onCreate | onUpdate, (*review).stamps},
		{onCreate | onUpdate | onDelete, (*review).clusterOwnership},
		{onCreate | onUpdate, (*review).administratorsMetadata},
		{onCreate | onUpdate, (*review).inherited},
		{onCreate | onUpdate, (*review).clusterFields},
		{onCreate | onUpdate, (*review).clusterOwners},
		{onUpdate, (*review).pendingDelete},
		{onCreate, (*review).nameGate},
		{onDelete, (*review).deleteGate},
	},
	"poolers": {
		{onCreate | onUpdate, (*review).administratorsMetadata},
		{onCreate | onUpdate, (*review).poolerNaming},
		{onCreate | onUpdate, (*review).poolerCluster},
		{onCreate | onUpdate, (*review).poolerLimits},
		{onUpdate, (*review).poolerImmutable},
		{onCreate | onUpdate | onDelete, (*review).poolerOwnership},
		{onCreate | onUpdate, (*review).poolerOwners},
		{onCreate | onUpdate, (*review).poolerFields},
	},
}

// whileDeleting is what an update must satisfy of an object that is being deleted.
var whileDeleting = map[string][]family{
	"clusters": {{onUpdate, (*review).onlyFinalizers}, {onUpdate, (*review).clusterOwnership}},
	"poolers":  {{onUpdate, (*review).onlyFinalizers}, {onUpdate, (*review).poolerOwnership}},
}

// judge is every rule that the write breaks.
func (r *review) judge(ctx context.Context) ([]violation, error) {
	if !r.governed() {
		return r.neighbours(ctx)
	}
	var err error
	if r.restored, err = r.findRestored(ctx); err != nil {
		return nil, err
	}
	applicable := families[r.resource]
	if r.operation == admissionv1.Update && r.old != nil && r.old.deleting() {
		applicable = whileDeleting[r.resource]
	}
	var found []violation
	for _, family := range applicable {
		if family.operations&operations[r.operation] == 0 {
			continue
		}
		violations, err := family.judge(r, ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range violations {
			isSame := func(other violation) bool { return other.field == one.field && other.message == one.message }
			if !slices.ContainsFunc(found, isSame) {
				found = append(found, one)
			}
		}
	}
	return found, nil
}

// noWorse forgives what the old object broke in the very same way. Of one that was not ours nothing is
// forgiven.
func (r *review) noWorse(judge func(*object) []violation) []violation {
	if r.object == nil {
		return nil
	}
	violations := judge(r.object)
	old := r.before()
	if len(violations) == 0 || old == nil || !old.governed() {
		return violations
	}
	before := judge(old)
	return slices.DeleteFunc(violations, func(one violation) bool { return slices.Contains(before, one) })
}
