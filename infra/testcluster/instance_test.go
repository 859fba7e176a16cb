package main

import (
	"net/netip"
	"slices"
	"testing"
)

// table is /proc/net/route of a machine whose network is 10.99.3.0/24, which
// reaches 10.101.8.0/22 through a tunnel, and on which a cluster runs.
const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	FE03630A	0003	0	0	0	00000000	0	0	0
eth0	0003630A	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	0008650A	00000000	0001	0	0	0	00FCFFFF	0	0	0
rackless5	0005630A	00000000	0001	0	0	0	00FFFFFF	0	0	0
`

func TestAddressesDoNotCollide(t *testing.T) {
	t.Parallel()
	routes, err := parseRoutes(table)
	want := []netip.Prefix{netip.MustParsePrefix("10.99.3.0/24"), netip.MustParsePrefix("10.101.8.0/22")}
	if err != nil || !slices.Equal(routes, want) {
		t.Fatalf("routes %v, %v; want %v", routes, err, want)
	}
	for n := range maxInstances {
		in := &instance{Name: "x", Number: n}
		if got := in.collides(routes); got != (n == 1 || n == 3) { // pods of the second, node of the fourth
			t.Errorf("instance %d collides: %t", n, got)
		}
	}
}

func TestRoutesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"eth0 x 0 0 0 0 0 00FFFFFF", "eth0 0003630A 0 0 0 0 0 x"} {
		if _, err := parseRoutes(table); err == nil {
			t.Errorf("%q is read", table)
		}
	}
}
