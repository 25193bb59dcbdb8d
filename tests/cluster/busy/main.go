// A stand-in for a worker on a cluster that is to see load: ready at once, and busy with a tenth of a processor.
package main

import (
	"net/http"
	"time"
)

func main() {
	go func() {
		for {
			for begun := time.Now(); time.Since(begun) < 10*time.Millisecond; {
			}
			time.Sleep(90 * time.Millisecond)
		}
	}()
	if err := http.ListenAndServe(":9090", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})); err != nil {
		panic(err)
	}
}
