//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clusterCrash brings up a second cluster beside the first, kills the program that
// does it when pods run already, takes the rest down and compares the machine with
// what it was before. The first cluster is none the wiser.
func clusterCrash(t *testing.T) {
	name := fmt.Sprintf("crash-%d", os.Getpid())
	before := machine(t)
	up := exec.CommandContext(t.Context(), "bin/testcluster", "up", name)
	up.Dir = top()
	stderr, err := up.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = command(t.Context(), nil, "bin/testcluster", "down", name) })
	var said []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), "install DNS and the ingress") {
			break
		}
	}
	_ = up.Process.Kill()
	_ = up.Wait()
	if len(processes(t, name)) == 0 {
		t.Fatalf("no process of the cluster runs when its program is killed: %v", said)
	}
	if _, err := command(t.Context(), nil, "bin/testcluster", "down", name); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(processes(t, name)) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", processes(t, name))
		}
	}
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Errorf("the machine has changed (-before +after):\n%s", diff)
	}
	checkout(t, "FIRST")
}

// counters are those of packets and bytes in a table of rules.
var counters = regexp.MustCompile(` ?\[\d+:\d+\]| packets \d+ bytes \d+`)

// machine is what a cluster could leave behind, as seen from outside of its
// namespaces.
func machine(t *testing.T) map[string][]string {
	t.Helper()
	state := map[string][]string{}
	for what, args := range map[string][]string{
		"links":    {"ip", "-o", "link", "show"},
		"routes":   {"ip", "route", "show", "table", "all"},
		"rules":    {"nft", "list", "ruleset"},
		"iptables": {"iptables-save"},
		"sysctls":  {"sysctl", "-a", "-r", `^(net\.ipv4\.(ip_forward|conf\.(all|default)\.)|net\.bridge|vm\.(overcommit_memory|panic_on_oom)|kernel\.(panic|panic_on_oops|keys)\.?)`},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
		for line := range bytes.Lines(out) {
			if text := counters.ReplaceAllString(strings.TrimSpace(string(line)), ""); text != "" && !strings.HasPrefix(text, "#") {
				state[what] = append(state[what], text)
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	state["mounts"] = strings.Split(string(mounts), "\n")
	for _, pattern := range []string{"/run/*", "/var/lib/*", "/var/log/*", "/etc/cni/*", "/sys/fs/cgroup/*", "/sys/fs/cgroup/*/rackless*", filepath.Join(os.TempDir(), "rackless-cluster", "*")} {
		if state[pattern], err = filepath.Glob(pattern); err != nil {
			t.Fatal(err)
		}
	}
	for _, lines := range state {
		slices.Sort(lines)
	}
	return state
}

// processes returns those that name a cluster's folder.
func processes(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(filepath.Join(os.TempDir(), "rackless-cluster", name))) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}
