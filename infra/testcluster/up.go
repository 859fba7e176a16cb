package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// manifests are the objects of what is not Knative's own.
//
//go:embed manifests
var manifests embed.FS

// progress tells people what is going on, with the time since the beginning.
type progress struct {
	out   io.Writer
	began time.Time
}

func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(p.out, "%6.1f s  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// step runs a part of the work and tells how long it took.
func (p *progress) step(what string, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	p.say("%s (%.1f s)", what, time.Since(began).Seconds())
	return nil
}

// needs are the programs that come from the machine, and Debian's package of each.
var needs = map[string]string{
	"/usr/sbin/runc":                     "runc",
	"/usr/lib/cni/bridge":                "containernetworking-plugins",
	"/usr/sbin/nft":                      "nftables",
	"/usr/sbin/iptables":                 "iptables",
	"/usr/sbin/conntrack":                "conntrack",
	"/usr/sbin/ip":                       "iproute2",
	"/usr/bin/socat":                     "socat",
	"/usr/sbin/ethtool":                  "ethtool",
	"/usr/sbin/ipset":                    "ipset",
	"/usr/bin/mount":                     "mount",
	"/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}

// lacking names what this machine lacks, with the mend.
func lacking() error {
	if os.Geteuid() != 0 {
		return errors.New("a cluster needs root: it makes namespaces, mounts and cgroups; run it with sudo")
	}
	var packages []string
	for file, name := range needs {
		if _, err := os.Stat(file); err != nil {
			if _, err := exec.LookPath(filepath.Base(file)); err != nil {
				packages = append(packages, name)
			}
		}
	}
	if len(packages) > 0 {
		return fmt.Errorf("missing: %[1]s; on Debian: apt-get install --no-install-recommends %[1]s", strings.Join(packages, " "))
	}
	filesystems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	if !strings.Contains(string(filesystems), "\toverlay\n") {
		_ = exec.Command("modprobe", "overlay").Run()
		if filesystems, _ = os.ReadFile("/proc/filesystems"); !strings.Contains(string(filesystems), "\toverlay\n") {
			return errors.New("the kernel lacks overlayfs: load the module overlay, or use a kernel with CONFIG_OVERLAY_FS")
		}
	}
	if out, err := exec.Command("nft", "list", "tables").CombinedOutput(); err != nil {
		return fmt.Errorf("the kernel lacks nftables (CONFIG_NF_TABLES): %s", out)
	}
	return nil
}

// up brings a cluster up and returns when a Service could be deployed.
func up(ctx context.Context, in *instance, p *progress) error {
	if err := lacking(); err != nil {
		return err
	}
	if in.running() && in.Ready {
		p.say("the cluster %q is up already", in.Name)
		return nil
	}
	if in.exists() { // it crashed, or was interrupted on its way up
		if err := down(in, p); err != nil {
			return err
		}
		in.Node, in.Ready = 0, false
	}
	dir, err := build(ctx, p)
	if err != nil {
		return err
	}
	in.Bin = filepath.Join(dir, "bin")
	if err := in.claim(); err != nil {
		return err
	}
	if err := p.step("make certificates", in.certificates); err != nil {
		return err
	}
	if err := p.step("start the node", func() error { return in.launch() }); err != nil {
		return err
	}
	if err := in.serveRegistry(); err != nil {
		return err
	}
	if err := in.install(ctx, p); err != nil {
		return err
	}
	in.Ready = true
	return in.save()
}

// launch starts the node's first process in namespaces of its own, and the link
// to it.
func (in *instance) launch() error {
	for _, d := range []string{"log", "run", "etc"} {
		if err := os.MkdirAll(in.file(d), 0o755); err != nil {
			return err
		}
	}
	for _, dir := range in.cgroups() {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if strings.Contains(dir, "/cpuset/") { // a new set of processors is empty, and nothing may run in it
			for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
				all, err := os.ReadFile(filepath.Join(filepath.Dir(dir), f))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(dir, f), all, 0o644); err != nil {
					return err
				}
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := os.Create(in.file("log", "node.log"))
	if err != nil {
		return err
	}
	defer out.Close()
	wait, ready, err := os.Pipe()
	if err != nil {
		return err
	}
	defer wait.Close()
	defer ready.Close()
	cmd := exec.Command(self, "init", in.Dir)
	cmd.Args = []string{self, "init", in.Dir, ""} // the folder between two zero bytes is what running looks for
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = out, out, []*os.File{wait}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	in.Node = cmd.Process.Pid
	if err := in.save(); err != nil {
		return err
	}
	link := in.link()
	for _, args := range []string{
		"link add " + link + " type veth peer name " + link + "n netns " + strconv.Itoa(in.Node),
		"addr add " + in.hostIP() + "/24 dev " + link, "link set " + link + " up",
		"route add " + in.pods() + " via " + in.nodeIP(), "route add " + in.services() + " via " + in.nodeIP(),
	} {
		if err := ip(args); err != nil {
			return err
		}
	}
	return nil
}

// serveRegistry starts the registry from which the cluster pulls images, at the
// machine's end of the link.
func (in *instance) serveRegistry() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := os.Create(in.file("log", "registry.log"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(self, "registry", in.Dir)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := os.WriteFile(in.file("run", "registry.pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		return err
	}
	return await(10*time.Second, "the registry", func() error {
		conn, err := net.Dial("tcp", in.registry())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// runRegistry is the registry's process. It ends with the node.
func runRegistry(dir string) error {
	in, err := openInstance(filepath.Base(dir))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(in.file("var", "registry"), 0o755); err != nil {
		return err
	}
	server := &http.Server{
		Addr: in.registry(), ReadHeaderTimeout: 10 * time.Second,
		Handler: registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(in.file("var", "registry")))),
	}
	go func() {
		for in.running() {
			time.Sleep(time.Second)
		}
		_ = server.Close()
	}()
	return server.ListenAndServe()
}

// down ends a cluster and removes whatever it has left on this machine. It can be
// called at any time, also after a crash or twice.
func down(in *instance, p *progress) error {
	return p.step("take the cluster "+strconv.Quote(in.Name)+" down", func() error {
		if in.running() {
			_ = syscall.Kill(in.Node, syscall.SIGKILL) // and with it all that is in its namespaces
			if err := await(time.Minute, "the end of the node", func() error {
				if in.running() {
					return errors.New("it still runs")
				}
				return nil
			}); err != nil {
				return err
			}
		}
		in.killRegistry()
		_ = ip("link del " + in.link()) // it is gone with the node, unless that never took it
		for _, dir := range in.cgroups() {
			if err := await(30*time.Second, "the end of the pods", func() error { return removeGroups(dir) }); err != nil {
				return err
			}
		}
		return os.RemoveAll(in.Dir)
	})
}

func (in *instance) killRegistry() {
	data, err := os.ReadFile(in.file("run", "registry.pid"))
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		return
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if strings.Contains(string(line), "registry\x00"+in.Dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// removeGroups removes a control group and those below it.
func removeGroups(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeGroups(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return syscall.Rmdir(dir)
}

// install puts DNS, Knative and the ingress into the cluster.
func (in *instance) install(ctx context.Context, p *progress) error {
	k := kubectl{in}
	if err := p.step("wait for the API server and the node", func() error {
		if err := await(3*time.Minute, "the node", func() error {
			if !in.running() {
				return errors.New("the node's process ended: see " + in.file("log", "node.log"))
			}
			return k.run(ctx, "wait", "--for=condition=Ready", "node/"+nodeName, "--timeout=1s")
		}); err != nil {
			return err
		}
		return k.run(ctx, "create", "clusterrolebinding", "apiserver-kubelet", "--clusterrole=system:kubelet-api-admin", "--user=kube-apiserver-kubelet-client")
	}); err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(filepath.Dir(in.Bin), "manifests", name) }
	if err := p.step("install DNS and the ingress", func() error {
		for _, name := range []string{"coredns.yaml", "traefik.yaml"} {
			data, err := manifests.ReadFile("manifests/" + name)
			if err != nil {
				return err
			}
			text := strings.NewReplacer("10.96.0.10", in.service(dnsService), "10.96.0.80", in.service(ingressService)).Replace(string(data))
			if err := k.apply(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := p.step("install Knative's types", func() error {
		if err := k.run(ctx, "apply", "--server-side", "--force-conflicts", "-f", file("1-serving-crds.yaml"), "-f", file("1-eventing-crds.yaml")); err != nil {
			return err
		}
		return k.run(ctx, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
	}); err != nil {
		return err
	}
	return p.step("install Knative Serving and Eventing", func() error {
		return in.installKnative(ctx, k, file)
	})
}

func (in *instance) installKnative(ctx context.Context, k kubectl, file func(string) string) error {
	var objects []string
	for _, name := range []string{"2-serving.yaml", "2-eventing.yaml", "3-eventing-broker.yaml"} {
		data, err := os.ReadFile(file(name))
		if err != nil {
			return err
		}
		objects = append(objects, patient(string(data)))
	}
	// Some objects are refused until the webhooks that check them are up.
	err := await(time.Minute, "Knative's objects", func() error { return k.apply(ctx, strings.Join(objects, "\n---\n")) })
	if err != nil {
		return err
	}
	for _, ns := range []string{"kube-system", "traefik", "knative-serving", "knative-eventing"} {
		if err := k.run(ctx, "-n", ns, "wait", "deployment", "--all", "--for=condition=Available", "--timeout=180s", "-l", "app.kubernetes.io/component!=pingsource-mt-adapter"); err != nil {
			return err
		}
	}
	for name, data := range map[string]string{
		"config-network":    `{"ingress-class": "traefik.ingress.networking.knative.dev"}`,
		"config-domain":     `{"` + domain + `": ""}`,
		"config-autoscaler": `{"stable-window": "15s", "scale-to-zero-grace-period": "2s", "scale-to-zero-pod-retention-period": "0s", "allow-zero-initial-scale": "true"}`,
		"config-deployment": `{"queue-sidecar-cpu-request": "5m"}`,
		"config-features":   `{"kubernetes.podspec-securitycontext": "enabled", "secure-pod-defaults": "enabled"}`,
	} {
		err := await(time.Minute, name, func() error {
			return k.run(ctx, "-n", "knative-serving", "patch", "configmap", name, "--type", "merge", "-p", `{"data": `+data+`}`)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A liveness probe every second or two, and a fifth of a processor.
var (
	impatient = regexp.MustCompile(`(livenessProbe:\n(?:.*\n){0,7}? +periodSeconds: )[12]\n`)
	starving  = regexp.MustCompile(`(limits:\n(?: +#.*\n)? +cpu: )200m\n`)
)

// patient returns Knative's objects for a machine with few processors, on which dozens
// of pods start at once: there, what is not given time to answer is restarted in the
// midst of its work, and takes the calls of others with it.
func patient(objects string) string {
	return starving.ReplaceAllString(impatient.ReplaceAllString(objects, "${1}10\n"), "${1}1000m\n")
}

// domain is below what the cluster's Services are reachable from outside.
const domain = "shop.test"

// kubectl talks to the cluster as its administrator.
type kubectl struct{ in *instance }

func (k kubectl) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, k.in.bin("kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+k.in.kubeconfig())
	return cmd
}

func (k kubectl) run(ctx context.Context, args ...string) error {
	out, err := k.command(ctx, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (k kubectl) apply(ctx context.Context, text string) error {
	cmd := k.command(ctx, "apply", "--server-side", "--force-conflicts", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl apply: %w: %s", err, out)
	}
	return nil
}

// interruptible returns a context that ends with the first signal.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
