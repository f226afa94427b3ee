package daap

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func (r *review) clusterOwnership(ctx context.Context) ([]violation, error) {
	if r.old == nil {
		return r.mustOwnReadable(ctx, r.object.labels[labelOwnerTeam])
	}
	before := r.old.labels[labelOwnerTeam]
	if r.object != nil && acceptsOffer(r.old, r.object) {
		return r.mustOwn(ctx, r.object.labels[labelOwnerTeam])
	}
	found, err := r.mustOwn(ctx, before)
	if err != nil {
		return nil, err
	}
	if r.operation == admissionv1.Update && r.object.labels[labelOwnerTeam] != before {
		other, err := r.mustOwnReadable(ctx, r.object.labels[labelOwnerTeam])
		if err != nil {
			return nil, err
		}
		found = append(found, other...)
	}
	return found, nil
}

// mustOwnReadable: a team that is missing or unreadable is named by another rule already.
func (r *review) mustOwnReadable(ctx context.Context, team string) ([]violation, error) {
	if checkTeam(team) != nil {
		return nil, nil
	}
	return r.mustOwn(ctx, team)
}

// mustOwn: the caller has to own the team; where the object names none, only an administrator may
// write it.
func (r *review) mustOwn(ctx context.Context, team string) ([]violation, error) {
	if checkTeam(team) != nil {
		allowed, err := r.mayAdminister(ctx)
		if allowed || err != nil {
			return nil, err
		}
		return []violation{{"administrator", labelField(labelOwnerTeam),
			"the object names no owner team, so that only an administrator may write it; " + r.user + " is none",
			"ask the platform team to give it an owner"}}, nil
	}
	allowed, err := r.mayOwn(ctx, team)
	if allowed || err != nil {
		return nil, err
	}
	return []violation{{"ownership", labelField(labelOwnerTeam),
		fmt.Sprintf("team '%s' owns it, and %s may not act for that team in namespace '%s'", team, r.user, r.namespace),
		fmt.Sprintf("ask team '%s', or the platform team for the right to own teams.daap.dev/%s", team, team)}}, nil
}

// acceptsOffer: the team becomes the one that it was offered to, and nothing else changes.
func acceptsOffer(old, new *object) bool {
	team, has := new.labels[labelOwnerTeam]
	pending, isPending := new.annotations[annotationPending]
	_, wasPending := old.annotations[annotationPending]
	return has && team != old.labels[labelOwnerTeam] && old.annotations[annotationOfferedTo] == team &&
		(!isPending || pendingOperation(pending) == "transfer") && !wasPending &&
		reflect.DeepEqual(withoutTransfer(old), withoutTransfer(new))
}

func withoutTransfer(o *object) map[string]any {
	rest := &object{Unstructured: o.DeepCopy()}
	drop := func(keys []string, path ...string) {
		fields := rest.fields(path...)
		for _, key := range keys {
			delete(fields, key)
		}
	}
	drop([]string{labelOwnerTeam}, "metadata", "labels")
	drop([]string{labelOwnerTeam}, "spec", "inheritedMetadata", "labels")
	drop([]string{annotationOfferedTo, annotationChangeReason, annotationPending}, "metadata", "annotations")
	drop(stamps, "metadata", "annotations")
	drop([]string{"managedFields", "generation", "resourceVersion"}, "metadata")
	delete(rest.Object, "status")
	return rest.Object
}

// poolerOwnership: a Pooler's team is its Cluster's, by look-up, whatever its own label says.
func (r *review) poolerOwnership(ctx context.Context) ([]violation, error) {
	var found []violation
	var judged []string
	for _, pooler := range []*object{r.old, r.object} {
		if pooler == nil {
			continue
		}
		name := pooler.textOrEmpty("spec", "cluster", "name")
		if slices.Contains(judged, name) {
			continue
		}
		judged = append(judged, name)
		cluster, err := r.cluster(ctx, name)
		if err != nil {
			return nil, err
		}
		if cluster == nil {
			// Its Cluster is gone: what is left names the team itself.
			cluster = pooler
			if r.old == nil {
				continue
			}
		}
		violations, err := r.mustOwn(ctx, cluster.labels[labelOwnerTeam])
		if err != nil {
			return nil, err
		}
		found = append(found, violations...)
	}
	return found, nil
}

// administratorsMetadata: what switches CNPG's own protection off, or makes pods pass for others'.
func (r *review) administratorsMetadata(ctx context.Context) ([]violation, error) {
	var fields []string
	before := r.before()
	if before == nil {
		before = newObject(&unstructured.Unstructured{})
	}
	for _, key := range changedKeys(before.annotations, r.object.annotations) {
		if !slices.Contains(ownersAnnotations, key) {
			fields = append(fields, annotationField(key))
		}
	}
	for _, key := range changedKeys(before.labels, r.object.labels) {
		fields = append(fields, labelField(key))
	}
	for _, word := range []string{"labels", "annotations"} {
		old, new := before.fields("spec", "inheritedMetadata", word), r.object.fields("spec", "inheritedMetadata", word)
		for _, key := range changedKeys(old, new) {
			fields = append(fields, "spec.inheritedMetadata."+word+"["+key+"]")
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	allowed, err := r.mayAdminister(ctx)
	if allowed || err != nil {
		return nil, err
	}
	var found []violation
	for _, field := range fields {
		found = append(found, violation{"administrator", field,
			"only an administrator may change it; " + r.user + " is none",
			"leave it as it is; an owner may change the annotations " + strings.Join(ownersAnnotations, ", ")})
	}
	return found, nil
}

// changedKeys are the steering keys that differ, in order.
func changedKeys[V any](old, new map[string]V) []string {
	var changed []string
	for key, value := range new {
		before, had := old[key]
		if isSteering(key) && (!had || !reflect.DeepEqual(before, value)) {
			changed = append(changed, key)
		}
	}
	for key := range old {
		if _, has := new[key]; !has && isSteering(key) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

func isSteering(key string) bool {
	return hasPrefix(key, steering) || strings.HasPrefix(key, "container.apparmor.security.beta.kubernetes.io/")
}

// onlyFinalizers: a finalizer must not keep an object writable that is being deleted.
func (r *review) onlyFinalizers(context.Context) ([]violation, error) {
	if reflect.DeepEqual(withoutFinalizers(r.old), withoutFinalizers(r.object)) {
		return nil, nil
	}
	return []violation{{"deleting", "metadata",
		"the object is being deleted: nothing but its finalizers changes", "wait until it is gone"}}, nil
}

func withoutFinalizers(o *object) map[string]any {
	rest := runtime.DeepCopyJSON(o.Object)
	delete(rest, "status")
	if metadata, ok := rest["metadata"].(map[string]any); ok {
		for _, key := range []string{"finalizers", "managedFields", "resourceVersion", "generation"} {
			delete(metadata, key)
		}
	}
	return rest
}
