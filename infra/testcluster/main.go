// Command testcluster runs a real Kubernetes with Knative Serving, Eventing and an
// ingress on this one machine, built from Go modules and Debian's packages. Each
// cluster lives in namespaces and a folder of its own and leaves nothing behind.
package main

import (
	"fmt"
	"os"
	"time"
)

const usage = `testcluster runs a Kubernetes with Knative on this machine, in namespaces of its own.

  testcluster build          build what it needs, once, into the user's cache
  testcluster up    [name]   bring a cluster up; the name is "shop" unless given
  testcluster env   [name]   print how to reach it, as lines for a shell's eval
  testcluster list           tell which clusters run
  testcluster down  [name]   take it down, also after a crash
`

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	ctx, stop := interruptible()
	defer stop()
	p := &progress{out: os.Stderr, began: time.Now()}
	if len(args) == 0 {
		return fmt.Errorf("say what to do\n\n%s", usage)
	}
	name := "shop"
	if len(args) > 1 {
		name = args[1]
	}
	switch args[0] {
	case "init":
		return runInit(name)
	case "node":
		return runNode(name)
	case "registry":
		return runRegistry(name)
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	case "build":
		_, err := build(ctx, p)
		return err
	case "list":
		return list()
	}
	in, err := openInstance(name)
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		if err := up(ctx, in, p); err != nil {
			return err
		}
		return env(in)
	case "env":
		return env(in)
	case "down":
		return down(in, p)
	}
	return fmt.Errorf("there is no command %q\n\n%s", args[0], usage)
}

// env prints how to reach a cluster.
func env(in *instance) error {
	if !in.running() {
		return fmt.Errorf("the cluster %q does not run; start it with: testcluster up %[1]s", in.Name)
	}
	fmt.Printf("export KUBECONFIG=%s\n", in.kubeconfig())
	fmt.Printf("export CLUSTER_BIN=%s\n", in.Bin)
	fmt.Printf("export CLUSTER_DIR=%s\n", in.Dir)
	fmt.Printf("export CLUSTER_HOST=%s\n", in.hostIP())
	fmt.Printf("export CLUSTER_INGRESS=http://%s\n", in.service(ingressService))
	fmt.Printf("export CLUSTER_DOMAIN=%s\n", domain)
	fmt.Printf("export CLUSTER_REGISTRY=%s\n", in.registry())
	return nil
}

func list() error {
	instances, err := all()
	if err != nil {
		return err
	}
	for _, in := range instances {
		state := "up"
		if !in.running() {
			state = "crashed; take it down with: testcluster down " + in.Name
		}
		fmt.Printf("%s\t%s\t%s\n", in.Name, in.nodeIP(), state)
	}
	return nil
}
