package daap

// poolerFields are the fields of a Pooler's spec, as CNPG 1.30 has them, with what is decided and why.
var poolerFields = newFields(
	group{anything, "is what a pooler needs", []string{
		"cluster.name",
		"deploymentStrategy",
		"instances",
		"monitoring",
		"pgbouncer.image",
		"pgbouncer.paused",
		"pgbouncer.poolMode",
		"template.spec.terminationGracePeriodSeconds",
		"template.spec.containers[].image",
		"template.spec.containers[].resources.limits",
		"template.spec.containers[].resources.requests",
		"type",
	}},
	group{anything, "is scheduling", []string{
		"template.spec.affinity",
		"template.spec.nodeSelector",
		"template.spec.tolerations",
		"template.spec.topologySpreadConstraints",
		"template.spec.schedulerName",
	}},
	group{parameters, "names a command, a file or a query", []string{
		"pgbouncer.parameters",
	}},
	group{metadata, "can stand in for another's Service", []string{
		"serviceTemplate.metadata.labels",
	}},
	group{only("ClusterIP", "NodePort", "LoadBalancer"), "can stand in for another's Service", []string{
		"serviceTemplate.spec.type",
	}},
	group{metadata, "puts its pods behind another's Service", []string{
		"template.metadata.labels",
	}},
	group{metadata, "would pass for another database's pod", []string{
		"template.metadata.annotations",
	}},
	group{only("pgbouncer"), "runs a container of its own", []string{
		"template.spec.containers[].name",
	}},
	group{nothing, "asks the database whatever it says, with the pooler's rights", []string{
		"pgbouncer.authQuery",
	}},
	group{nothing, "names a Secret, which may be another database's", []string{
		"pgbouncer.authQuerySecret",
		"pgbouncer.clientCASecret",
		"pgbouncer.clientTLSSecret",
		"pgbouncer.serverCASecret",
		"pgbouncer.serverTLSSecret",
		"template.spec.imagePullSecrets",
	}},
	group{nothing, "names an image that the policy does not see", []string{
		"pgbouncer.imageCatalogRef",
	}},
	group{nothing, "can let in anybody without a password", []string{
		"pgbouncer.pg_hba",
	}},
	group{nothing, "runs as another account", []string{
		"serviceAccountName",
		"template.spec.serviceAccountName",
		"template.spec.serviceAccount",
	}},
	group{nothing, "claims addresses and names, by what listens to annotations", []string{
		"serviceTemplate.metadata.annotations",
	}},
	group{nothing, "can stand in for another's Service", []string{
		"serviceTemplate.metadata.name",
		"serviceTemplate.spec.*",
	}},
	group{nothing, "changes the pod: what it mounts, runs or may do", []string{
		"template.metadata.name",
		"template.spec.containers[].command",
		"template.spec.containers[].args",
		"template.spec.containers[].securityContext",
		"template.spec.securityContext",
		"template.spec.hostNetwork",
		"template.spec.hostPID",
		"template.spec.hostIPC",
		"template.spec.*",
		"template.spec.containers[].*",
	}},
	group{nothing, "can hold any Secret of the namespace", []string{
		"template.spec.containers[].env",
		"template.spec.containers[].envFrom",
	}},
	group{nothing, "mounts what its volumes name", []string{
		"template.spec.containers[].volumeMounts",
	}},
	group{nothing, "runs a container of its own", []string{
		"template.spec.initContainers",
	}},
	group{nothing, "mounts any Secret or volume of the namespace", []string{
		"template.spec.volumes",
	}},
	group{nothing, "evicts other databases' pods", []string{
		"template.spec.priorityClassName",
	}},
	group{nothing, "claims devices that others hold", []string{
		"template.spec.containers[].resources.claims",
	}},
)
