// Command daap-baseline is an admission webhook on controller-runtime that decides the same as daap's:
// what it is measured beside.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"daap.dev/tests/bench/baseline/internal/daap"
)

var scheme = runtime.NewScheme()

func init() { utilruntime.Must(clientgoscheme.AddToScheme(scheme)) }

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on (TLS)")
	port := flag.Int("port", 9443, "port to listen on")
	certificates := flag.String("cert-dir", "", "folder with tls.crt and tls.key")
	policyFile := flag.String("policy", "", "the platform team's policy (YAML)")
	logReviews := flag.Bool("log-reviews", true, "log a line for every review, as daap's webhook does")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(*host, *port, *certificates, *policyFile, *logReviews); err != nil {
		ctrl.Log.Error(err, "ended")
		os.Exit(1)
	}
}

func run(host string, port int, certificates, policyFile string, logReviews bool) error {
	policy, err := daap.OpenPolicy(policyFile)
	if err != nil {
		return err
	}
	asks, err := newClient()
	if err != nil {
		return err
	}
	decider := daap.NewDecider(policy, daap.NewWorld(asks))
	server := webhook.NewServer(webhook.Options{Host: host, Port: port, CertDir: certificates})
	for path, decide := range map[string]admission.HandlerFunc{
		"/mutate":   decider.Mutate,
		"/validate": decider.Validate,
	} {
		if logReviews {
			decide = logged(path, decide)
		}
		server.Register(path, &admission.Webhook{Handler: decide})
	}
	return server.Start(ctrl.SetupSignalHandler())
}

// newClient asks the API server live, without throttling itself and without discovery: what it asks for
// is known.
func newClient() (client.Client, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.ContentType = runtime.ContentTypeJSON
	cnpg := schema.GroupVersion{Group: "postgresql.cnpg.io", Version: "v1"}
	access := schema.GroupVersion{Group: "authorization.k8s.io", Version: "v1"}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{corev1.SchemeGroupVersion, cnpg, access})
	for _, kind := range []string{"Cluster", "Pooler", "Database", "DatabaseRole", "Publication", "Subscription", "Backup", "ScheduledBackup"} {
		mapper.Add(cnpg.WithKind(kind), meta.RESTScopeNamespace)
	}
	mapper.Add(access.WithKind("SubjectAccessReview"), meta.RESTScopeRoot)
	for _, kind := range []string{"ConfigMap", "PersistentVolumeClaim", "Secret"} {
		mapper.Add(corev1.SchemeGroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	return client.New(config, client.Options{Scheme: scheme, Mapper: mapper})
}

// logged says who, what and how it was decided, never the object.
func logged(path string, decide admission.HandlerFunc) admission.HandlerFunc {
	log := ctrl.Log.WithName("reviews")
	return func(ctx context.Context, request admission.Request) admission.Response {
		began := time.Now()
		response := decide(ctx, request)
		message := ""
		if response.Result != nil {
			message = string(response.Result.Reason)
		}
		log.Info("reviewed", "uid", request.UID, "half", path, "operation", request.Operation,
			"kind", request.Kind.Kind, "resource", request.Resource.Resource, "namespace", request.Namespace,
			"name", request.Name, "user", request.UserInfo.Username, "allowed", response.Allowed,
			"reason", message, "micros", time.Since(began).Microseconds())
		return response
	}
}
