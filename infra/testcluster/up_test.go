package main

import "testing"

// What would be restarted for not answering within a second is given time; all else
// stays as it is.
func TestPatience(t *testing.T) {
	t.Parallel()
	const given = `
          limits:
            # taken from serving.
            cpu: 200m
            memory: 200Mi
        readinessProbe:
          periodSeconds: 1
          httpGet:
            scheme: HTTPS
        livenessProbe:
          periodSeconds: 1
          httpGet:
            scheme: HTTPS
            httpHeaders:
              - name: k-kubelet-probe
                value: "webhook"
          initialDelaySeconds: 120
---
            limits:
              cpu: 1000m
          livenessProbe:
            failureThreshold: 3
            httpGet:
              path: /healthz
              port: 8080
              scheme: HTTP
            periodSeconds: 2
            timeoutSeconds: 1
          readinessProbe:
            periodSeconds: 2
`
	const want = `
          limits:
            # taken from serving.
            cpu: 1000m
            memory: 200Mi
        readinessProbe:
          periodSeconds: 1
          httpGet:
            scheme: HTTPS
        livenessProbe:
          periodSeconds: 10
          httpGet:
            scheme: HTTPS
            httpHeaders:
              - name: k-kubelet-probe
                value: "webhook"
          initialDelaySeconds: 120
---
            limits:
              cpu: 1000m
          livenessProbe:
            failureThreshold: 3
            httpGet:
              path: /healthz
              port: 8080
              scheme: HTTP
            periodSeconds: 10
            timeoutSeconds: 1
          readinessProbe:
            periodSeconds: 2
`
	if got := patient(given); got != want {
		t.Errorf("got\n%s", got)
	}
}
