package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of one cluster.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// certificates makes the cluster's authority, its servers' and clients'
// certificates and the clients' kubeconfig files.
func (in *instance) certificates() error {
	a, err := newAuthority(in.file("pki"))
	if err != nil {
		return err
	}
	addresses := []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(in.nodeIP()), net.ParseIP(in.service(1))}
	names := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost", nodeName}
	if err := a.issue("apiserver", pkix.Name{CommonName: "kube-apiserver"}, names, addresses); err != nil {
		return err
	}
	if err := a.issue("kubelet-server", pkix.Name{CommonName: nodeName}, names, addresses); err != nil {
		return err
	}
	if err := a.issue("front-proxy-client", pkix.Name{CommonName: "front-proxy-client"}, nil, nil); err != nil {
		return err
	}
	if err := a.serviceAccounts(); err != nil {
		return err
	}
	for file, name := range map[string]pkix.Name{
		"admin":            {CommonName: "admin", Organization: []string{"system:masters"}},
		"controllers":      {CommonName: "system:kube-controller-manager"},
		"scheduler":        {CommonName: "system:kube-scheduler"},
		"proxy":            {CommonName: "system:kube-proxy"},
		"kubelet":          {CommonName: "system:node:" + nodeName, Organization: []string{"system:nodes"}},
		"apiserver-client": {CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}},
	} {
		if err := a.issue(file, name, nil, nil); err != nil {
			return err
		}
		if err := a.kubeconfig(file, in.apiServer()); err != nil {
			return err
		}
	}
	return nil
}

func newAuthority(dir string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{dir: dir, key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rackless test cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 30),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a, a.write("ca.crt", a.pem)
}

func (a *authority) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(a.dir, name), data, 0o600)
}

// issue writes name.crt and name.key, for a server if it has names or addresses.
func (a *authority) issue(name string, subject pkix.Name, names []string, addresses []net.IP) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	use := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(names) > 0 {
		use = append(use, x509.ExtKeyUsageServerAuth)
	}
	cert := &x509.Certificate{
		SerialNumber: serial, Subject: subject, DNSNames: names, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: a.cert.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: use,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := a.write(name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return err
	}
	return a.writeKey(name+".key", key)
}

func (a *authority) writeKey(name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return a.write(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// serviceAccounts writes the key pair that signs the tokens of service accounts.
func (a *authority) serviceAccounts() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := a.write("service-accounts.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})); err != nil {
		return err
	}
	return a.writeKey("service-accounts.key", key)
}

func (a *authority) kubeconfig(name, server string) error {
	encoded := func(file string) string {
		data, _ := os.ReadFile(filepath.Join(a.dir, file)) // written just now
		return base64.StdEncoding.EncodeToString(data)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: %s, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: test, context: {cluster: test, user: %s}}]
current-context: test
`, server, encoded("ca.crt"), name, encoded(name+".crt"), encoded(name+".key"), name)
	return a.write(name+".kubeconfig", b.Bytes())
}
