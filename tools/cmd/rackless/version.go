package main

import (
	"fmt"
	"os"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Help() string {
	return "Example:\n\n  rackless version\n\nPrints the version, the commit it was built from and the Go release."
}

func (versionCmd) Run(out *os.File) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		_, err := fmt.Fprintln(out, "rackless (unknown build)")
		return err
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes"
		}
	}
	_, err := fmt.Fprintf(out, "rackless %s%s%s %s\n", info.Main.Version, commit, dirty, info.GoVersion)
	return err
}
