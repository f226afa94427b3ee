package daap

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// nameGate: CNPG adopts volumes and trusts Secrets by their names alone.
func (r *review) nameGate(ctx context.Context) ([]violation, error) {
	name, id := r.object.GetName(), r.object.labels[labelID]
	var lying, others []metav1.PartialObjectMetadata
	var naming []unstructured.Unstructured
	var configMap *object
	group, groupContext := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		lying, err = r.world.underNames(groupContext, r.namespace, name)
		return err
	})
	group.Go(func() (err error) {
		naming, err = r.world.naming(groupContext, r.namespace, name)
		return err
	})
	group.Go(func() (err error) {
		others, err = r.world.clustersWithID(groupContext, r.namespace, id)
		return err
	})
	group.Go(func() (err error) {
		configMap, err = r.tombstone(groupContext, id)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []violation
	for _, other := range others {
		if other.Name != name {
			found = append(found, violation{"name-gate", labelField(labelID),
				fmt.Sprintf("cluster '%s' has this id already", other.Name),
				"leave the label out, and the webhook gives a new id"})
		}
	}
	if configMap != nil {
		violations, err := r.restores(ctx, configMap)
		if err != nil {
			return nil, err
		}
		found = append(found, violations...)
	}
	var foreign []string
	for _, one := range lying {
		if configMap == nil || !belongs(one, name, id, configMap) {
			foreign = append(foreign, fmt.Sprintf("%s '%s'", one.Kind, one.Name))
		}
	}
	if len(foreign) > 0 {
		logical := nameOr(r.object)
		found = append(found, violation{"name-gate", "metadata.name",
			fmt.Sprintf("what lies under the names of cluster '%s' would become part of it: %s", name, strings.Join(foreign, ", ")),
			fmt.Sprintf("if a deleted database '%s' left it, give it up: kubectl daap purge %s -n %s; if it is still being removed, try again", logical, logical, r.namespace)})
	}
	var named, remedy []string
	for _, one := range naming {
		if configMap == nil || !(wasThere(one, configMap) || isItsPooler(one, id)) {
			named = append(named, fmt.Sprintf("%s '%s'", one.GetKind(), one.GetName()))
			remedy = append(remedy, fmt.Sprintf("%s.%s/%s", strings.ToLower(one.GetKind()), cnpgGroup, one.GetName()))
		}
	}
	if len(named) > 0 {
		found = append(found, violation{"name-gate", "metadata.name",
			fmt.Sprintf("what names cluster '%s' in spec.cluster.name would work on this one: %s", name, strings.Join(named, ", ")),
			fmt.Sprintf("remove it first, or choose another name: kubectl delete -n %s %s", r.namespace, strings.Join(remedy, " "))})
	}
	return found, nil
}

// wasThere: it named the Cluster before that was deleted.
func wasThere(one unstructured.Unstructured, configMap *object) bool {
	made, deleted := one.GetCreationTimestamp(), configMap.GetCreationTimestamp()
	return !made.IsZero() && !deleted.IsZero() && !made.After(deleted.Time)
}

// isItsPooler: it is the Pooler of this very database, which another restore has just brought back.
func isItsPooler(one unstructured.Unstructured, id string) bool {
	own, ok := one.GetLabels()[labelID]
	return ok && one.GetKind() == "Pooler" && own == id
}

func nameOr(o *object) string {
	if name, ok := o.labels[labelName]; ok {
		return name
	}
	return "NAME"
}

// belongs says whether it is what the tombstone retains, or leaves with the Cluster that is going.
func belongs(one metav1.PartialObjectMetadata, cluster, id string, configMap *object) bool {
	found, has := one.Labels[labelID]
	if has && found != id {
		return false
	}
	isOther := func(owner metav1.OwnerReference) bool {
		group, _, _ := strings.Cut(owner.APIVersion, "/")
		return group != cnpgGroup || owner.Kind != "Cluster" || owner.Name != cluster
	}
	read := readTombstone(configMap)
	if read == nil {
		return false
	}
	if has && len(one.OwnerReferences) > 0 && !slices.ContainsFunc(one.OwnerReferences, isOther) {
		return true
	}
	return slices.Contains(read.Retained.Secrets, one.Name) || has && slices.Contains(read.Retained.Volumes, one.Name)
}

// restores: with a tombstone of the id this is a restore, by its owner, and of this very record.
func (r *review) restores(ctx context.Context, configMap *object) ([]violation, error) {
	found, err := r.mustOwn(ctx, configMap.labels[labelOwnerTeam])
	if err != nil {
		return nil, err
	}
	if read := readTombstone(configMap); read != nil && read.Stage == "purged" {
		found = append(found, violation{"name-gate", labelField(labelID),
			"the data of the deleted database of this id was destroyed",
			"leave the label out, and the webhook gives a new id"})
	}
	compare := func(field, key string, old, new map[string]string) {
		before, had := old[key]
		if after, has := new[key]; had != has || before != after {
			found = append(found, violation{"name-gate", field,
				fmt.Sprintf("the deleted database of this id has '%s', not '%s'", before, after),
				"restore it with the record that it had, and change it afterwards"})
		}
	}
	for _, key := range recordLabels {
		compare(labelField(key), key, configMap.labels, r.object.labels)
	}
	compare(annotationField(annotationPurpose), annotationPurpose, configMap.annotations, r.object.annotations)
	return found, nil
}

// deleteGate: a Cluster goes only when its record is safe, and its data belongs to it no longer.
func (r *review) deleteGate(ctx context.Context) ([]violation, error) {
	id, ok := r.old.labels[labelID]
	if !ok {
		return nil, nil
	}
	configMap, err := r.tombstone(ctx, id)
	if err != nil {
		return nil, err
	}
	if configMap != nil && !keepsEveryVersion(configMap, r.old) {
		return []violation{{"delete-gate", "metadata.name",
			fmt.Sprintf("its tombstone '%s' does not have every version of its record", configMap.GetName()),
			"finish what left the tombstone: kubectl daap repair " + nameOr(r.old)}}, nil
	}
	read := readTombstone(configMap)
	switch {
	case read == nil || read.Stage == "written":
		return r.refuseDelete("deleting the cluster would destroy its data and its record at once"), nil
	case read.Stage == "purged":
		return nil, nil
	}
	owned, err := r.world.volumesOwnedBy(ctx, r.namespace, string(r.old.GetUID()))
	if err != nil || len(owned) == 0 {
		return nil, err
	}
	var names []string
	for _, volume := range owned {
		names = append(names, volume.Name)
	}
	return r.refuseDelete("volumes still belong to it and would be destroyed with it: " + strings.Join(names, ", ")), nil
}

func (r *review) refuseDelete(message string) []violation {
	return []violation{{"delete-gate", "metadata.name", message,
		fmt.Sprintf("type: kubectl daap delete %s -n %s (add --purge to give up the data)", nameOr(r.old), r.old.GetNamespace())}}
}

// pendingDelete: woken after a deletion has begun, CNPG calls the Cluster unrecoverable.
func (r *review) pendingDelete(ctx context.Context) ([]violation, error) {
	isPending := func(o *object) bool { return pendingOperation(o.annotations[annotationPending]) == "delete" }
	if !isPending(r.old) {
		return nil, nil
	}
	if !isPending(r.object) {
		return r.undone(ctx)
	}
	const hint = "finish it with `kubectl daap delete`, or undo it with `kubectl daap repair --abort`"
	const message = "it does not change while the deletion is pending"
	var found []violation
	if !reflect.DeepEqual(r.old.at("spec"), r.object.at("spec")) {
		found = append(found, violation{"pending-delete", "spec", message, hint})
	}
	if r.old.annotations[annotationPurpose] != r.object.annotations[annotationPurpose] {
		found = append(found, violation{"pending-delete", annotationField(annotationPurpose), message, hint})
	}
	if r.old.annotations[hibernation] == "on" && r.object.annotations[hibernation] != "on" {
		found = append(found, violation{"pending-delete", annotationField(hibernation),
			"the database is not woken while its deletion is pending", hint})
	}
	return found, nil
}

// undone: a deletion is undone by giving the Cluster its volumes back first.
func (r *review) undone(ctx context.Context) ([]violation, error) {
	configMap, err := r.tombstone(ctx, r.old.labels[labelID])
	if err != nil {
		return nil, err
	}
	owned, err := r.world.volumesOwnedBy(ctx, r.namespace, string(r.old.GetUID()))
	if err != nil {
		return nil, err
	}
	read := readTombstone(configMap)
	if read == nil {
		return nil, nil
	}
	missing := slices.DeleteFunc(read.Retained.Volumes, func(kept string) bool {
		return slices.ContainsFunc(owned, func(volume metav1.PartialObjectMetadata) bool { return volume.Name == kept })
	})
	if len(missing) == 0 {
		return nil, nil
	}
	return []violation{{"pending-delete", annotationField(annotationPending),
		"volumes are detached already, and the cluster would be unrecoverable without them: " + strings.Join(missing, ", "),
		fmt.Sprintf("undo the deletion with: kubectl daap repair %s --abort -n %s", nameOr(r.old), r.namespace)}}, nil
}
