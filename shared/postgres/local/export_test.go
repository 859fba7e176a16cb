package local

import "syscall"

// Search returns the options with the folders in which programs are looked for
// replaced.
func (o Options) Search(places ...string) Options {
	o.search = func() []string { return places }
	return o
}

// Reachable is reachable for a plain user.
func Reachable(path string, uid, gid uint32) error {
	return reachable(path, &syscall.Credential{Uid: uid, Gid: gid})
}
