package daap

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// pendingOperation is what is unfinished on a database; empty where nothing is, or it cannot be read.
func pendingOperation(annotation string) string {
	var pending struct {
		Operation string     `json:"operation"`
		Step      *string    `json:"step"`
		Since     *time.Time `json:"since"`
	}
	if annotation == "" || json.Unmarshal([]byte(annotation), &pending) != nil || pending.Step == nil || pending.Since == nil {
		return ""
	}
	operations := []string{"create", "update", "delete", "restore", "transfer", "rollback", "repair"}
	if !slices.Contains(operations, pending.Operation) {
		return ""
	}
	return pending.Operation
}

// kept is what a restore applies again of one object.
type kept struct {
	Spec        map[string]any    `json:"spec"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// tombstone is the value of the annotation of that name.
type tombstone struct {
	Stage    string  `json:"stage"`
	Cluster  kept    `json:"cluster"`
	Pooler   *kept   `json:"pooler"`
	Image    *string `json:"image"`
	Retained struct {
		Volumes []string `json:"volumes"`
		Secrets []string `json:"secrets"`
	} `json:"retained"`
	Until *time.Time `json:"until"`
}

// readTombstone is nil where the ConfigMap is none that can be read.
func readTombstone(configMap *object) *tombstone {
	if configMap == nil {
		return nil
	}
	var read tombstone
	err := json.Unmarshal([]byte(configMap.annotations[annotationTombstone]), &read)
	stages := []string{"written", "detached", "complete", "purged"}
	if err != nil || read.Until == nil || !slices.Contains(stages, read.Stage) {
		return nil
	}
	return &read
}

// restoredCluster is the Cluster whose tombstone the ConfigMap is, without stamps.
func restoredCluster(configMap *object) *object {
	read, name := readTombstone(configMap), configMap.labels[labelName]
	if read == nil || checkName(name) != nil {
		return nil
	}
	cluster := restoredObject("Cluster", clusterName(name), configMap, read.Cluster)
	if purpose, ok := configMap.annotations[annotationPurpose]; ok {
		cluster.setAnnotation(annotationPurpose, purpose)
	}
	namesImage := cluster.at("spec", "imageName") != nil || cluster.at("spec", "imageCatalogRef") != nil
	if read.Image != nil && !namesImage {
		mapAt(cluster.Object, "spec")["imageName"] = *read.Image
	}
	return cluster
}

// restoredPooler is the Pooler of that Cluster.
func restoredPooler(configMap *object) *object {
	read, name := readTombstone(configMap), configMap.labels[labelName]
	if read == nil || read.Pooler == nil || checkName(name) != nil {
		return nil
	}
	return restoredObject("Pooler", poolerName(name), configMap, *read.Pooler)
}

func restoredObject(kind, name string, configMap *object, of kept) *object {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(cnpgGroup + "/v1")
	u.SetKind(kind)
	u.SetName(name)
	u.SetNamespace(configMap.GetNamespace())
	labels := map[string]string{}
	maps.Copy(labels, of.Labels)
	for _, key := range recordLabels {
		if value, ok := configMap.labels[key]; ok {
			labels[key] = value
		}
	}
	u.SetLabels(labels)
	u.SetAnnotations(of.Annotations)
	u.Object["spec"] = of.Spec
	return newObject(u)
}
