package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// instance is one cluster: its name, its folder, and the number from which its
// addresses follow, so that several can run side by side.
type instance struct {
	Name   string
	Number int
	Dir    string
	Bin    string // the binaries' folder
	Node   int    // process id of the node's first process, 0: not started
	Ready  bool   // everything is installed
}

// maxInstances is how many can run at once; the addresses are laid out for it.
const maxInstances = 50

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// root is the folder of all instances. It is short, because the paths of sockets
// must be.
func root() string { return filepath.Join(os.TempDir(), "rackless-cluster") }

// openInstance returns the instance of a name, which need not run.
func openInstance(name string) (*instance, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("the name %q must be letters, digits and dashes, 31 at most", name)
	}
	in := &instance{Name: name, Dir: filepath.Join(root(), name)}
	data, err := os.ReadFile(in.file("instance.json"))
	if errors.Is(err, os.ErrNotExist) {
		return in, nil
	}
	if err == nil {
		err = json.Unmarshal(data, in)
	}
	return in, err
}

// exists reports whether the instance was begun and not taken down.
func (in *instance) exists() bool {
	_, err := os.Stat(in.file("instance.json"))
	return err == nil
}

// claim gives the instance a number that no other has and keeps it.
func (in *instance) claim() error {
	if err := os.MkdirAll(in.Dir, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(root(), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	others, err := all()
	if err != nil {
		return err
	}
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return fmt.Errorf("read this machine's routes: %w", err)
	}
	routes, err := parseRoutes(string(table))
	if err != nil {
		return fmt.Errorf("read this machine's routes: %w", err)
	}
	for in.Number = range maxInstances {
		if !slices.ContainsFunc(others, func(o *instance) bool { return o.Number == in.Number && o.Name != in.Name }) && !in.collides(routes) {
			return in.save()
		}
	}
	return fmt.Errorf("no addresses are left for another cluster: %d run, and this machine routes others of 10.99.0.0/16, 10.100.0.0/16 to 10.199.0.0/16 "+
		"elsewhere (see \"ip route\"); take clusters down, or the routes away", len(others))
}

// parseRoutes reads the kernel's table of routes (/proc/net/route, whose addresses
// are in the processor's byte order), without the default route and those of
// clusters like this.
func parseRoutes(table string) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 8 || f[0] == "Iface" || strings.HasPrefix(f[0], "rackless") {
			continue
		}
		to, err := strconv.ParseUint(f[1], 16, 32)
		if err != nil {
			return nil, err
		}
		mask, err := strconv.ParseUint(f[7], 16, 32)
		if err != nil {
			return nil, err
		}
		if mask == 0 {
			continue
		}
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], uint32(to))
		routes = append(routes, netip.PrefixFrom(netip.AddrFrom4(address), bits.OnesCount64(mask)))
	}
	return routes, nil
}

// collides reports whether the machine reaches something else at the instance's
// addresses.
func (in *instance) collides(routes []netip.Prefix) bool {
	for _, own := range []string{in.nodeIP() + "/24", in.pods(), in.services()} {
		if slices.ContainsFunc(routes, netip.MustParsePrefix(own).Overlaps) {
			return true
		}
	}
	return false
}

// all returns the instances that were begun and not taken down.
func all() ([]*instance, error) {
	folders, err := filepath.Glob(filepath.Join(root(), "*", "instance.json"))
	if err != nil {
		return nil, err
	}
	var out []*instance
	for _, f := range folders {
		in, err := openInstance(filepath.Base(filepath.Dir(f)))
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, nil
}

func (in *instance) save() error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return os.WriteFile(in.file("instance.json"), data, 0o600)
}

func (in *instance) file(parts ...string) string {
	return filepath.Join(append([]string{in.Dir}, parts...)...)
}

func (in *instance) bin(name string) string { return filepath.Join(in.Bin, name) }

// The addresses of an instance. The node, its pods and its services are reachable
// from the machine; nothing leads from there to the world.
func (in *instance) nodeIP() string       { return fmt.Sprintf("10.99.%d.1", in.Number) }
func (in *instance) hostIP() string       { return fmt.Sprintf("10.99.%d.254", in.Number) }
func (in *instance) pods() string         { return fmt.Sprintf("10.%d.0.0/16", 100+in.Number) }
func (in *instance) podsOfNode() string   { return fmt.Sprintf("10.%d.0.0/24", 100+in.Number) }
func (in *instance) services() string     { return fmt.Sprintf("10.%d.0.0/16", 150+in.Number) }
func (in *instance) service(n int) string { return fmt.Sprintf("10.%d.0.%d", 150+in.Number, n) }
func (in *instance) apiServer() string    { return "https://" + in.nodeIP() + ":6443" }
func (in *instance) registry() string     { return in.hostIP() + ":5000" }
func (in *instance) link() string         { return fmt.Sprintf("rackless%d", in.Number) }
func (in *instance) kubeconfig() string   { return in.file("pki", "admin.kubeconfig") }

// dnsService and ingressService are the fixed addresses within services.
const (
	dnsService     = 10
	ingressService = 80
)

// cgroups are the folders of the instance's pods in the machine's hierarchies.
func (in *instance) cgroups() []string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) > 2 && (f[2] == "cgroup" || f[2] == "cgroup2") {
			out = append(out, filepath.Join(f[1], in.link()))
		}
	}
	return out
}

// running reports whether the node's first process is there.
func (in *instance) running() bool {
	if in.Node == 0 {
		return false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", in.Node))
	return err == nil && strings.Contains(string(line), "\x00"+in.Dir+"\x00")
}
