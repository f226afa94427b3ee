package daap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
)

func (r *review) clusterFields(ctx context.Context) ([]violation, error) {
	return r.specFields(ctx, clusterFields, r.object.GetName())
}

func (r *review) poolerFields(ctx context.Context) ([]violation, error) {
	return r.specFields(ctx, poolerFields, r.object.textOrEmpty("spec", "cluster", "name"))
}

// specFields: what is on no list is an administrator's. Of an object that was not ours nothing is
// forgiven when it becomes ours.
func (r *review) specFields(ctx context.Context, allowed *fields, cluster string) ([]violation, error) {
	var known map[string]any
	if before := r.before(); before != nil && before.governed() {
		known = before.fields("spec")
	}
	refused := refusedFields(allowed, cluster, r.object.fields("spec"), known)
	if len(refused) == 0 {
		return nil, nil
	}
	mayAdminister, err := r.mayAdminister(ctx)
	if mayAdminister || err != nil {
		return nil, err
	}
	found := make([]violation, 0, len(refused))
	for _, one := range refused {
		hint := one.hint
		if hint == "" {
			hint = "leave it out, or ask the platform team"
		}
		found = append(found, violation{"spec-fields", one.field,
			fmt.Sprintf("only an administrator may set it, because it %s; %s is none", one.why, r.user), hint})
	}
	return found, nil
}

// inherited: under our prefix a Cluster passes its record on, whole, and nothing else.
func (r *review) inherited(context.Context) ([]violation, error) {
	return r.noWorse(func(cluster *object) []violation {
		if name, ok := cluster.labels[labelName]; !ok || checkName(name) != nil {
			return nil
		}
		var found []violation
		labels := cluster.fields("spec", "inheritedMetadata", "labels")
		for _, key := range recordLabels {
			is, has := cluster.labels[key]
			if passed, _ := labels[key].(string); has && is != passed {
				found = append(found, differs("labels", key, is, passed))
			}
		}
		for _, word := range []string{"labels", "annotations"} {
			passedOn := cluster.fields("spec", "inheritedMetadata", word)
			for _, key := range sortedKeys(passedOn) {
				if !strings.HasPrefix(key, prefix) || word == "labels" && slices.Contains(recordLabels, key) {
					continue
				}
				is, has := cluster.labels[key]
				if !has {
					is, has = cluster.annotations[key]
				}
				if passed, _ := passedOn[key].(string); !has || is != passed {
					found = append(found, differs(word, key, is, passed))
				}
			}
		}
		return found
	}), nil
}

func differs(word, key, is, passed string) violation {
	return violation{"inherited", "spec.inheritedMetadata." + word + "[" + key + "]",
		fmt.Sprintf("what is passed on is the record: '%s', not '%s'", is, passed),
		"leave it out, and the webhook sets it"}
}

func sortedKeys(of map[string]any) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func shownOwner(owner map[string]any) string {
	kind, ok := owner["kind"].(string)
	if !ok {
		kind = "an object"
	}
	name, _ := owner["name"].(string)
	return fmt.Sprintf("%s '%s'", kind, name)
}

// clusterOwners: a bogus owner makes the garbage collector, which must be exempt, delete the data.
func (r *review) clusterOwners(context.Context) ([]violation, error) {
	return r.noWorse(func(cluster *object) []violation {
		var found []violation
		for _, owner := range cluster.ownerReferences() {
			fields, _ := owner.(map[string]any)
			found = append(found, violation{"owner-references", "metadata.ownerReferences",
				fmt.Sprintf("a database has no owner object, and %s would take it along when it goes", shownOwner(fields)),
				"remove the reference"})
		}
		return found
	}), nil
}

func (r *review) poolerOwners(ctx context.Context) ([]violation, error) {
	if len(r.object.ownerReferences()) == 0 {
		return nil, nil
	}
	name := r.object.textOrEmpty("spec", "cluster", "name")
	cluster, err := r.cluster(ctx, name)
	if err != nil {
		return nil, err
	}
	uid := ""
	if cluster != nil {
		uid = string(cluster.GetUID())
	}
	return r.noWorse(func(pooler *object) []violation {
		var found []violation
		for _, owner := range pooler.ownerReferences() {
			fields, _ := owner.(map[string]any)
			if uid != "" && fields["kind"] == "Cluster" && fields["name"] == name && fields["uid"] == uid {
				continue
			}
			found = append(found, violation{"owner-references", "metadata.ownerReferences",
				fmt.Sprintf("a pooler belongs to its cluster '%s' alone, not to %s", name, shownOwner(fields)),
				"leave the reference out, and the webhook sets it"})
		}
		return found
	}), nil
}

// poolerCluster: a Pooler serves a Cluster that exists, and the one called after it carries its record.
func (r *review) poolerCluster(ctx context.Context) ([]violation, error) {
	name := r.object.textOrEmpty("spec", "cluster", "name")
	cluster, err := r.cluster(ctx, name)
	if err != nil {
		return nil, err
	}
	if cluster == nil {
		if r.old != nil {
			return nil, nil
		}
		return []violation{{"dependents", "spec.cluster.name",
			fmt.Sprintf("there is no cluster '%s' in namespace '%s'", name, r.namespace),
			"create the cluster first; whoever creates it later would otherwise inherit this pooler"}}, nil
	}
	logical, ok := cluster.labels[labelName]
	isOurs := ok && checkName(logical) == nil && poolerName(logical) == r.object.GetName()
	var found []violation
	for _, key := range recordLabels {
		is, has := r.object.labels[key]
		claims := has || strings.HasPrefix(r.object.GetName(), namePrefix)
		expected, had := cluster.labels[key]
		if (isOurs || claims) && (is != expected || has != had) {
			found = append(found, violation{"immutable", labelField(key),
				fmt.Sprintf("a pooler carries the record of its cluster: '%s', not '%s'", expected, is),
				"leave the label out, and the webhook sets it"})
		}
	}
	return found, nil
}

type named struct{ field, what string }

// neighbours: Clusters and Poolers that are not ours name nothing that is.
func (r *review) neighbours(ctx context.Context) ([]violation, error) {
	if r.operation == admissionv1.Delete || r.object == nil {
		return nil, nil
	}
	names := namesOurs(r.object)
	if len(names) > 0 && r.old != nil {
		before := namesOurs(r.old)
		names = slices.DeleteFunc(names, func(one named) bool {
			return slices.ContainsFunc(before, func(other named) bool { return other.what == one.what })
		})
	}
	if len(names) == 0 {
		return nil, nil
	}
	allowed, err := r.mayAdminister(ctx)
	if allowed || err != nil {
		return nil, err
	}
	var found []violation
	for _, one := range names {
		found = append(found, violation{"neighbours", one.field,
			fmt.Sprintf("'%s' names what belongs to a database of kubectl daap; only an administrator may, and %s is none", one.what, r.user),
			fmt.Sprintf("name nothing that begins with '%s' or '%s'", namePrefix, prefix)})
	}
	return found, nil
}

func namesOurs(o *object) []named {
	found := collectOurs("spec", o.at("spec"), nil)
	annotations := o.fields("metadata", "annotations")
	for _, key := range sortedKeys(annotations) {
		if text := o.annotations[key]; hasPrefix(key, steering) && strings.Contains(text, namePrefix) {
			found = append(found, named{annotationField(key), text})
		}
	}
	return found
}

func collectOurs(field string, value any, found []named) []named {
	switch value := value.(type) {
	case string:
		if isOurs(value) {
			found = append(found, named{field, value})
		}
	case []any:
		for index, item := range value {
			found = collectOurs(fmt.Sprintf("%s[%d]", field, index), item, found)
		}
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if isOurs(key) {
				found = append(found, named{field + "." + key, key})
			}
			found = collectOurs(field+"."+key, value[key], found)
		}
	}
	return found
}

func isOurs(text string) bool {
	text = strings.TrimLeft(text, " \t\n\r")
	return strings.HasPrefix(text, namePrefix) || strings.HasPrefix(text, prefix)
}
