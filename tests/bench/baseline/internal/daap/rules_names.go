package daap

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const nameRules = "choose a name of 3–63 lower-case letters, digits and hyphens that begins with a letter"

func (r *review) clusterNaming(context.Context) ([]violation, error) {
	return r.noWorse(func(cluster *object) []violation {
		given := cluster.GetName()
		if given == "" {
			return []violation{{"naming", "metadata.generateName",
				"a database cannot have a generated name: its objects are named after it", "set metadata.name to daap-NAME"}}
		}
		name, ok := cluster.labels[labelName]
		if !ok {
			return []violation{unlabelled(given)}
		}
		if err := checkName(name); err != nil {
			return []violation{{"naming", labelField(labelName), err.Error(), nameRules}}
		}
		found := r.policyNaming(name)
		if expected := clusterName(name); expected != given {
			found = append(found, violation{"naming", "metadata.name",
				fmt.Sprintf("the cluster of database '%s' is called '%s', not '%s'", name, expected, given),
				fmt.Sprintf("call it %s, or correct the label %s", expected, labelName)})
		}
		return found
	}), nil
}

func unlabelled(cluster string) violation {
	name, ok := strings.CutPrefix(cluster, namePrefix)
	if !ok {
		return violation{"naming", "metadata.name",
			fmt.Sprintf("'%s' carries daap.dev labels but does not begin with '%s'", cluster, namePrefix),
			"call it daap-NAME, or remove the labels"}
	}
	if err := checkName(name); err != nil {
		return violation{"naming", "metadata.name", err.Error(), nameRules}
	}
	return violation{"naming", labelField(labelName), "it is missing; it holds the logical name", "set it to the name of the database"}
}

func (r *review) policyNaming(name string) []violation {
	var found []violation
	field, names := labelField(labelName), r.policy.Names
	if slices.Contains(names.Reserved, name) {
		found = append(found, violation{"naming", field, fmt.Sprintf("'%s' is reserved by the platform's policy", name), "choose another name"})
	}
	if pattern := names.Pattern; pattern != nil && !pattern.regexp.MatchString(name) {
		found = append(found, violation{"naming", field,
			fmt.Sprintf("'%s' does not match the platform's pattern '%s'", name, pattern.text), "choose a name that does"})
	}
	return found
}

func (r *review) poolerNaming(context.Context) ([]violation, error) {
	return r.noWorse(func(pooler *object) []violation {
		if pooler.GetName() == "" && strings.HasPrefix(pooler.GetGenerateName(), namePrefix) {
			return []violation{{"naming", "metadata.generateName",
				"a pooler of a database cannot have a generated name", "set metadata.name to CLUSTER-pooler"}}
		}
		cluster := pooler.textOrEmpty("spec", "cluster", "name")
		expected := cluster + "-pooler"
		if !strings.HasPrefix(pooler.GetName(), namePrefix) || pooler.GetName() == expected {
			return nil
		}
		return []violation{{"naming", "metadata.name",
			fmt.Sprintf("the pooler of cluster '%s' is called '%s', not '%s'", cluster, expected, pooler.GetName()),
			fmt.Sprintf("call it %s, or give it a name that does not begin with '%s'", expected, namePrefix)}}
	}), nil
}

func (r *review) record(context.Context) ([]violation, error) {
	found := r.noWorse(judgeRecord)
	before := r.before()
	for _, named := range []struct {
		field, key string
		of         func(*object) map[string]string
	}{
		{labelField(labelOwnerTeam), labelOwnerTeam, func(o *object) map[string]string { return o.labels }},
		{annotationField(annotationOfferedTo), annotationOfferedTo, func(o *object) map[string]string { return o.annotations }},
	} {
		team := named.of(r.object)[named.key]
		if before != nil {
			if had, ok := named.of(before)[named.key]; ok && had == team {
				continue
			}
		}
		if checkTeam(team) == nil && !r.policy.knowsTeam(team) {
			found = append(found, violation{"teams", named.field,
				fmt.Sprintf("'%s' is no team of this platform; the teams are %s", team, strings.Join(r.policy.Teams, ", ")),
				"name one of them, or ask the platform team to add it to the policy"})
		}
	}
	return found, nil
}

func judgeRecord(cluster *object) []violation {
	var found []violation
	check := func(field string, of map[string]string, key string, check func(string) error, message, hint string) {
		given, ok := of[key]
		if !ok {
			if message != "" {
				found = append(found, violation{"required", field, message, hint})
			}
			return
		}
		if err := check(given); err != nil {
			found = append(found, violation{"format", field, err.Error(), "correct the value"})
		}
	}
	label := func(key string, checked func(string) error, message, hint string) {
		check(labelField(key), cluster.labels, key, checked, message, hint)
	}
	annotation := func(key string, checked func(string) error, message, hint string) {
		check(annotationField(key), cluster.annotations, key, checked, message, hint)
	}
	label(labelOwnerTeam, checkTeam, "it is missing; a database is owned by one team", "set it to the team that owns the database")
	label(labelID, checkID, "it is missing", "leave it to the webhook, or set a new UUID")
	annotation(annotationPurpose, checkPurpose, "it is missing", "say in a few words what the database is for")
	annotation(annotationChangeReason, checkText, "", "")
	annotation(annotationOfferedTo, checkTeam, "", "")
	return found
}

// stamps: what is stored must be what this webhook would have written.
func (r *review) stamps(ctx context.Context) ([]violation, error) {
	brought, hasBrought := r.object.labels[labelID]
	from, err := r.base(ctx, brought, hasBrought)
	if err != nil {
		return nil, err
	}
	expected := r.expectedStamps(from, r.object)
	var found []violation
	for _, key := range stamps {
		given, has := r.object.annotations[key]
		wanted, wants := expected[key]
		if has != wants || given != wanted {
			found = append(found, violation{"history", annotationField(key),
				"it is not what the webhook writes for this change",
				"leave it out: stamps and history are written by the webhook alone"})
		}
	}
	return found, nil
}
