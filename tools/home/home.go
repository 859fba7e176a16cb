// Package home is where this machine keeps a shop: a folder with a PostgreSQL
// server's data, the secret from which the functions' logins are derived, and an
// API key of the demo shop; or the same with a server elsewhere. The commands of
// "rackless" call it; no function does.
package home

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rackless/rackless/shared/postgres/local"
)

// Home is the folder. What it holds is readable by its owner only.
type Home struct{ Dir string }

// DefaultDir is where a shop is kept unless told otherwise: below /var/lib for
// root, else in the user's cache folder.
func DefaultDir() string { return filepath.Dir(local.DefaultDir()) }

// Key is an API key that was made on this machine, with its secret.
type Key struct {
	Shop  string `json:"shop"`
	Token string `json:"token"`
}

const (
	keyFile    = "demo-key.json"
	secretFile = "login-secret"
)

// KeyPath is the file in which the API key of the demo shop is kept.
func (h Home) KeyPath() string { return filepath.Join(h.Dir, keyFile) }

// Key returns the API key of the demo shop, and false if there is none.
func (h Home) Key() (k Key, ok bool, err error) {
	data, err := os.ReadFile(h.KeyPath())
	if errors.Is(err, fs.ErrNotExist) {
		return k, false, nil
	}
	if err != nil {
		return k, false, fmt.Errorf("read the demo shop's API key: %w", err)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		return k, false, fmt.Errorf("read the demo shop's API key: %w; delete %s to have a new one made", err, h.KeyPath())
	}
	return k, true, nil
}

// KeepKey keeps the API key of the demo shop for later commands.
func (h Home) KeepKey(k Key) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return h.keep(keyFile, string(data))
}

// secret returns the kept secret, and makes it the first time.
func (h Home) secret() (string, error) {
	path := filepath.Join(h.Dir, secretFile)
	data, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(data))) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the secret of the functions' logins: %w", err)
	}
	secret := rand.Text()
	return secret, h.keep(secretFile, secret)
}

// keep replaces a file at once: whoever reads it meanwhile sees one or the other.
func (h Home) keep(name, text string) error {
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(h.Dir, name+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text + "\n")
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(h.Dir, name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep %s: %w", name, err), os.Remove(file.Name()))
	}
	return nil
}
