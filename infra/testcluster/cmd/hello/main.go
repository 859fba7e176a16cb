// Hello is the smallest Service that there can be: what a function costs is
// measured beside it.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Ce-Id") != "" {
			log.Println(r.Header.Get("Ce-Type"), r.Header.Get("Ce-Id"))
			w.WriteHeader(http.StatusAccepted)
			return
		}
		fmt.Fprintln(w, "hello")
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
