package daap

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	admissionv1 "k8s.io/api/admission/v1"
)

// complete writes what is missing into the object, and says what the writer should know.
func (r *review) complete(ctx context.Context) ([]string, error) {
	if r.operation == admissionv1.Delete || r.object == nil || !r.governed() || r.old != nil && r.old.deleting() {
		return nil, nil
	}
	if r.resource == "poolers" {
		return r.completePooler(ctx)
	}
	return nil, r.completeCluster(ctx)
}

func (r *review) completeCluster(ctx context.Context) error {
	cluster := r.object
	brought, hasBrought := cluster.labels[labelID]
	if r.old == nil {
		r.defaultNew(cluster)
	} else {
		keepRecord(r.old, cluster)
		endOffer(r.old, cluster)
	}
	if name, ok := cluster.labels[labelName]; ok && checkName(name) == nil {
		inheritRecord(cluster)
		nameServer(cluster, poolerName(name), r.namespace)
	}
	from, err := r.base(ctx, brought, hasBrought)
	if err != nil {
		return err
	}
	expected := r.expectedStamps(from, cluster)
	for _, key := range stamps {
		if value, ok := expected[key]; ok {
			cluster.setAnnotation(key, value)
		} else {
			cluster.removeAnnotation(key)
		}
	}
	return nil
}

func (r *review) defaultNew(cluster *object) {
	if _, ok := cluster.labels[labelName]; !ok {
		// A shortened name says nothing of the long one.
		name, ok := strings.CutPrefix(cluster.GetName(), namePrefix)
		if ok && checkName(name) == nil && clusterName(name) == cluster.GetName() {
			cluster.setLabel(labelName, name)
		}
	}
	if _, ok := cluster.labels[labelID]; !ok {
		cluster.setLabel(labelID, uuid.NewString())
	}
	if _, ok := cluster.labels[labelManagedBy]; !ok {
		cluster.setLabel(labelManagedBy, managedBy)
	}
	storage := cluster.fields("spec", "storage")
	_, hasSize := storage["size"]
	_, hasTemplate := storage["pvcTemplate"]
	if !hasSize && !hasTemplate {
		mapAt(cluster.Object, "spec", "storage")["size"] = r.policy.Defaults.Storage.String()
	}
	if image := r.policy.Defaults.Image; image != "" && !namesImage(cluster) {
		mapAt(cluster.Object, "spec")["imageName"] = image
	}
}

func namesImage(cluster *object) bool {
	return cluster.at("spec", "imageName") != nil || cluster.at("spec", "imageCatalogRef") != nil
}

// keepRecord: a replace that leaves out the record, or the image, loses neither.
func keepRecord(old, cluster *object) {
	for _, key := range recordLabels {
		before, had := old.labels[key]
		if _, has := cluster.labels[key]; had && !has {
			cluster.setLabel(key, before)
		}
	}
	before, had := old.annotations[annotationPurpose]
	if _, has := cluster.annotations[annotationPurpose]; had && !has {
		cluster.setAnnotation(annotationPurpose, before)
	}
	if image, had := old.text("spec", "imageName"); had && !namesImage(cluster) {
		mapAt(cluster.Object, "spec")["imageName"] = image
	}
}

// endOffer: once the database has another owner, the old one's offer binds nobody.
func endOffer(old, cluster *object) {
	offer, ok := cluster.annotations[annotationOfferedTo]
	before, had := old.annotations[annotationOfferedTo]
	if ok && had && offer == before && old.labels[labelOwnerTeam] != cluster.labels[labelOwnerTeam] {
		cluster.removeAnnotation(annotationOfferedTo)
	}
}

func inheritRecord(cluster *object) {
	inherited := mapAt(cluster.Object, "spec", "inheritedMetadata", "labels")
	for key := range inherited {
		if strings.HasPrefix(key, prefix) {
			delete(inherited, key)
		}
	}
	for _, key := range recordLabels {
		if value, ok := cluster.labels[key]; ok {
			inherited[key] = value
		}
	}
}

// nameServer puts the Pooler's names into the server's certificate.
func nameServer(cluster *object, pooler, namespace string) {
	certificates := mapAt(cluster.Object, "spec", "certificates")
	names, ok := certificates["serverAltDNSNames"].([]any)
	if !ok && certificates["serverAltDNSNames"] != nil {
		return
	}
	service := pooler + "." + namespace + ".svc"
	for _, name := range []string{pooler, pooler + "." + namespace, service, service + ".cluster.local"} {
		if !slices.Contains(names, any(name)) {
			names = append(names, name)
		}
	}
	certificates["serverAltDNSNames"] = names
}

func (r *review) completePooler(ctx context.Context) ([]string, error) {
	pooler := r.object
	name, ok := pooler.text("spec", "cluster", "name")
	if !ok {
		return nil, nil
	}
	cluster, err := r.cluster(ctx, name)
	if err != nil || cluster == nil {
		return nil, err
	}
	logical, ok := cluster.labels[labelName]
	if !ok || checkName(logical) != nil {
		return nil, nil
	}
	// A second Pooler of the same database keeps its own name and metadata.
	if pooler.GetName() == poolerName(logical) {
		r.carryRecord(cluster, pooler)
	}
	return r.onlyPoolMode(ctx, pooler)
}

func (r *review) carryRecord(cluster, pooler *object) {
	for _, key := range recordLabels {
		if value, ok := cluster.labels[key]; ok {
			pooler.setLabel(key, value)
		}
	}
	if _, ok := pooler.labels[labelManagedBy]; r.operation == admissionv1.Create && !ok {
		pooler.setLabel(labelManagedBy, managedBy)
	}
	if len(pooler.ownerReferences()) == 0 && cluster.GetUID() != "" {
		mapAt(pooler.Object, "metadata")["ownerReferences"] = []any{map[string]any{
			"apiVersion": cnpgGroup + "/v1", "kind": "Cluster",
			"name": cluster.GetName(), "uid": string(cluster.GetUID()),
		}}
	}
}

// onlyPoolMode: an unset mode arrives as the CRD's default, so that nobody can tell what was meant.
func (r *review) onlyPoolMode(ctx context.Context, pooler *object) ([]string, error) {
	if len(r.policy.Limits.PoolModes) != 1 {
		return nil, nil
	}
	only := r.policy.Limits.PoolModes[0]
	given, ok := pooler.text("spec", "pgbouncer", "poolMode")
	if ok && (given == only || given != "session") {
		return nil, nil
	}
	restored, err := r.findRestored(ctx)
	if err != nil {
		return nil, err
	}
	if ok && restored != nil && restored.textOrEmpty("spec", "pgbouncer", "poolMode") == given {
		return nil, nil
	}
	mapAt(pooler.Object, "spec", "pgbouncer")["poolMode"] = only
	return []string{"spec.pgbouncer.poolMode: set to " + only + ", the only mode that the policy allows"}, nil
}
