//go:build e2e

// Package e2e runs the shop on a real Kubernetes with Knative: the images of this
// very commit, applied by OpenTofu, one Service per operation. "make e2e" builds
// and runs it; its last line counts the scenarios.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// s is the shop under test.
var s *site

var passed, failed atomic.Int32

// keep leaves the cluster up, for people who want to look.
var keep = flag.Bool("keep", false, "leave the cluster up")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(all(m))
}

func all(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := 1
	var err error
	if s, err = openSite(ctx); err != nil {
		fmt.Println("e2e:", err)
		failed.Add(1)
	} else {
		done := context.AfterFunc(ctx, func() { // interrupted in a scenario
			_ = s.close()
			os.Exit(1)
		})
		code = m.Run()
		done()
	}
	if s != nil && !*keep {
		if err := s.close(); err != nil {
			fmt.Println("e2e: take everything down:", err)
			failed.Add(1)
			code = 1
		}
	}
	fmt.Printf("e2e: %d scenarios, %d passed, %d failed\n", passed.Load()+failed.Load(), passed.Load(), failed.Load())
	return code
}

// scenario runs a part of the test, and counts it.
func scenario(t *testing.T, name string, do func(t *testing.T)) {
	began := time.Now()
	ok := t.Run(name, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				s.tell(t)
			}
		}()
		do(t)
	})
	verdict := "passed"
	if ok {
		passed.Add(1)
	} else {
		verdict = "FAILED"
		failed.Add(1)
	}
	fmt.Printf("e2e: %s: %s (%.1f s)\n", name, verdict, time.Since(began).Seconds())
}

// together does side by side what does not get in each other's way, most of whose time
// is waiting.
func together(do ...func()) {
	var group sync.WaitGroup
	for _, f := range do {
		group.Go(f)
	}
	group.Wait()
}

// command runs a program in the repository's top folder and returns its output. What
// it complains of is in the error.
func command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	var stderr strings.Builder
	out, err := run(ctx, env, &stderr, name, args...)
	if err != nil {
		return out, fmt.Errorf("%w: %s%s", err, tail(out), tail(stderr.String()))
	}
	return out, nil
}

// run runs a program in the repository's top folder and returns its output.
func run(ctx context.Context, env []string, stderr io.Writer, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = top()
	cmd.Env = append(os.Environ(), env...)
	// What is interrupted ends with all that it has started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	return string(out), nil
}

func tail(text string) string {
	if len(text) > 3000 {
		return "… " + text[len(text)-3000:]
	}
	return text
}

// top is the repository's top folder; "make e2e" starts the test there.
func top() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}

// step tells people what is going on.
func step(format string, args ...any) {
	fmt.Printf("e2e: %s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
