// Package daap decides writes of Clusters and Poolers as daap's webhook does.
package daap

const (
	prefix     = "daap.dev/"
	namePrefix = "daap-"
	cnpgGroup  = "postgresql.cnpg.io"

	labelName      = prefix + "name"
	labelOwnerTeam = prefix + "owner-team"
	labelID        = prefix + "id"
	labelDeleted   = prefix + "deleted"
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "kubectl-daap"

	annotationPurpose      = prefix + "purpose"
	annotationChangeReason = prefix + "change-reason"
	annotationCreatedAt    = prefix + "created-at"
	annotationCreatedBy    = prefix + "created-by"
	annotationUpdatedAt    = prefix + "updated-at"
	annotationUpdatedBy    = prefix + "updated-by"
	annotationVersion      = prefix + "version"
	annotationHistory      = prefix + "history"
	annotationOfferedTo    = prefix + "offered-to"
	annotationPending      = prefix + "pending"
	annotationTombstone    = prefix + "tombstone"

	hibernation = "cnpg.io/hibernation"
)

var (
	// recordLabels make up the record, in the order in which they are shown.
	recordLabels = []string{labelName, labelOwnerTeam, labelID}
	// stamps are written by the webhook alone.
	stamps = []string{
		annotationCreatedAt, annotationCreatedBy, annotationUpdatedAt,
		annotationUpdatedBy, annotationVersion, annotationHistory,
	}
	// steering keys switch CNPG's own protection off.
	steering = []string{"cnpg.io/", "alpha.cnpg.io/"}
	// ownersAnnotations are those of CNPG that an owner needs.
	ownersAnnotations = []string{hibernation, "cnpg.io/fencedInstances", "cnpg.io/restartedAt", "cnpg.io/reloadedAt"}
	// trustedSecrets are what CNPG trusts by name.
	trustedSecrets = []string{"app", "ca", "server", "replication", "superuser", "pooler"}
)

func labelField(key string) string      { return "metadata.labels[" + key + "]" }
func annotationField(key string) string { return "metadata.annotations[" + key + "]" }
