package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nodeName is the name of the one node.
const nodeName = "node1"

// runInit is the first process in the node's namespaces. It starts the node and
// reaps orphans; when it ends, the kernel kills whatever is left in there and
// unmounts everything. So nothing can be left behind, however it ends.
func runInit(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	node, err := os.StartProcess(self, []string{self, "node", dir}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr, os.NewFile(3, "ready")}})
	if err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case pid == node.Pid:
			return fmt.Errorf("the node ended with status %d", status.ExitStatus())
		case errors.Is(err, syscall.ECHILD):
			return err
		}
	}
}

// runNode brings the node's programs up and keeps them up.
func runNode(dir string) error {
	in, err := openInstance(filepath.Base(dir))
	if err != nil {
		return err
	}
	if err := in.isolate(); err != nil {
		return err
	}
	ready := os.NewFile(3, "ready") // closed by the parent once our end of the link is here
	_, _ = ready.Read(make([]byte, 1))
	if err := in.network(); err != nil {
		return err
	}
	path := strings.Join([]string{in.Bin, "/usr/lib/cni", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}, ":")
	if err := os.Setenv("PATH", path); err != nil {
		return err
	}
	if err := os.Setenv("KUBECONFIG", in.kubeconfig()); err != nil {
		return err
	}
	return in.start()
}

// isolate makes this process's view of the machine its own: mounts, processes,
// and the three kernel settings that the kubelet would change for everybody.
func (in *instance) isolate() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, folder := range []string{"/var/lib", "/var/log", "/run"} {
		if err := in.cover(folder); err != nil {
			return fmt.Errorf("cover %s: %w", folder, err)
		}
	}
	if err := os.MkdirAll(in.file("sysctl"), 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"} {
		fake := in.file("sysctl", filepath.Base(name))
		if err := os.WriteFile(fake, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := syscall.Mount(fake, "/proc/sys/"+name, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover %s: %w", name, err)
		}
	}
	return syscall.Sethostname([]byte(nodeName))
}

// cover lays a layer of our own over a folder: what is written there by programs
// that cannot be told to write elsewhere ends up in the instance's folder.
func (in *instance) cover(folder string) error {
	upper, work := in.file("cover", folder, "upper"), in.file("cover", folder, "work")
	for _, d := range []string{upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return syscall.Mount("overlay", folder, "overlay", 0, "lowerdir="+folder+",upperdir="+upper+",workdir="+work)
}

// network sets up the node's end of the link to the machine.
func (in *instance) network() error {
	end := in.link() + "n"
	for _, args := range []string{
		"link set lo up", "addr add " + in.nodeIP() + "/24 dev " + end, "link set " + end + " up", "route add default via " + in.hostIP(),
	} {
		if err := ip(args); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/route_localnet": "1", "net/bridge/bridge-nf-call-iptables": "1"} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func ip(args string) error {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}

// start starts the node's programs in the order in which they need each other.
func (in *instance) start() error {
	p := func(name string) string { return in.file("pki", name) }
	etcd := "http://127.0.0.1:2379"
	in.keep("etcd", "--data-dir", in.file("var", "etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level", "warn")
	in.keep("kube-apiserver", "--etcd-servers="+etcd, "--bind-address="+in.nodeIP(), "--advertise-address="+in.nodeIP(), "--secure-port=6443",
		"--service-cluster-ip-range="+in.services(), "--client-ca-file="+p("ca.crt"), "--tls-cert-file="+p("apiserver.crt"),
		"--tls-private-key-file="+p("apiserver.key"), "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+p("service-accounts.pub"), "--service-account-signing-key-file="+p("service-accounts.key"),
		"--kubelet-client-certificate="+p("apiserver-client.crt"), "--kubelet-client-key="+p("apiserver-client.key"),
		"--kubelet-certificate-authority="+p("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file="+p("ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User", "--proxy-client-cert-file="+p("front-proxy-client.crt"),
		"--proxy-client-key-file="+p("front-proxy-client.key"), "--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction", "--allow-privileged=true", "--profiling=false", "--v=1")
	if err := in.configure(); err != nil {
		return err
	}
	in.keep("containerd", "-c", in.file("etc", "containerd.toml"))
	if err := await(time.Minute, "containerd", func() error { return in.ctr("version") }); err != nil {
		return err
	}
	if err := in.ctr("images", "import", "--local", filepath.Join(filepath.Dir(in.Bin), archive)); err != nil {
		return err
	}
	if err := await(2*time.Minute, "the API server", func() error { return run("kubectl", "get", "--raw=/readyz") }); err != nil {
		return err
	}
	in.keep("kube-controller-manager", "--kubeconfig="+p("controllers.kubeconfig"), "--authentication-kubeconfig="+p("controllers.kubeconfig"),
		"--authorization-kubeconfig="+p("controllers.kubeconfig"), "--cluster-cidr="+in.pods(), "--allocate-node-cidrs=true",
		"--service-cluster-ip-range="+in.services(), "--root-ca-file="+p("ca.crt"), "--service-account-private-key-file="+p("service-accounts.key"),
		"--cluster-signing-cert-file="+p("ca.crt"), "--cluster-signing-key-file="+p("apiserver.key"), "--use-service-account-credentials=true",
		"--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false", "--controllers=*,-certificatesigningrequest-signing-controller")
	in.keep("kube-scheduler", "--kubeconfig="+p("scheduler.kubeconfig"), "--authentication-kubeconfig="+p("scheduler.kubeconfig"),
		"--authorization-kubeconfig="+p("scheduler.kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false")
	in.keep("kubelet", "--config="+in.file("etc", "kubelet.yaml"), "--kubeconfig="+p("kubelet.kubeconfig"), "--root-dir="+in.file("var", "kubelet"),
		"--hostname-override="+nodeName, "--node-ip="+in.nodeIP(), "--v=2")
	in.keep("kube-proxy", "--config="+in.file("etc", "proxy.yaml"))
	select {} // until init is killed
}

// keep starts a program and starts it again when it ends.
func (in *instance) keep(name string, args ...string) {
	out, err := os.OpenFile(in.file("log", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			cmd := exec.Command(in.bin(name), args...)
			cmd.Stdout, cmd.Stderr = out, out
			err := cmd.Run()
			log.Printf("%s ended: %v; it is started again", name, err)
			time.Sleep(time.Second)
		}
	}()
}

func (in *instance) ctr(args ...string) error {
	return run("ctr", append([]string{"-a", in.file("run", "containerd.sock"), "-n", "k8s.io"}, args...)...)
}

func run(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// await tries until it succeeds.
func await(patience time.Duration, what string, try func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w", what, patience, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// configure writes the configuration of what does not take it as arguments.
func (in *instance) configure() error {
	certs := in.file("etc", "certs.d", in.registry())
	for _, dir := range []string{certs, in.file("etc", "cni"), in.file("var")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	_, pods, err := net.ParseCIDR(in.podsOfNode())
	if err != nil {
		return err
	}
	for path, text := range map[string]string{
		filepath.Join(certs, "hosts.toml"): fmt.Sprintf("server = \"http://%[1]s\"\n[host.\"http://%[1]s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", in.registry()),
		in.file("etc", "resolv.conf"):      "",
		in.file("etc", "containerd.toml"): fmt.Sprintf(`version = 3
root = %[1]q
state = %[2]q
[grpc]
  address = %[3]q
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = %[4]q
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = %[5]q
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true # root in a virtual machine may lack CAP_SYS_RESOURCE
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = %[6]q
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
`, in.file("var", "containerd"), in.file("run", "containerd"), in.file("run", "containerd.sock"), imageOf("pause"), in.file("etc", "certs.d"), in.file("etc", "cni")),
		in.file("etc", "cni", "10-bridge.conflist"): fmt.Sprintf(`{"cniVersion": "1.0.0", "name": %q, "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
`, in.link(), in.file("var", "cni"), pods),
		in.file("etc", "kubelet.yaml"): fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /%s
containerRuntimeEndpoint: unix://%s
address: %s
healthzBindAddress: 127.0.0.1
clusterDNS: [%s]
clusterDomain: cluster.local
resolvConf: %s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %s}}
authorization: {mode: Webhook}
tlsCertFile: %s
tlsPrivateKeyFile: %s
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
imageGCHighThresholdPercent: 100
failSwapOn: false
serializeImagePulls: false
maxPods: 250
podLogsDir: %s
volumePluginDir: %s
`, in.link(), in.file("run", "containerd.sock"), in.nodeIP(), in.service(dnsService), in.file("etc", "resolv.conf"), in.file("pki", "ca.crt"),
			in.file("pki", "kubelet-server.crt"), in.file("pki", "kubelet-server.key"), in.file("var", "podlogs"), in.file("var", "volumeplugins")),
		in.file("etc", "proxy.yaml"): fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: %s
hostnameOverride: %s
bindAddress: %s
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clientConnection: {kubeconfig: %s}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nodePortAddresses: ["%s/32"]
`, in.pods(), nodeName, in.nodeIP(), in.file("pki", "proxy.kubeconfig"), in.nodeIP()),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
