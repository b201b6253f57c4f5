// Appends leaves to a log of Tessera's POSIX driver, as `tributary-server bench ledger` does to
// ours: with so many under way at a time, its batches as it makes them by default, without
// antispam, and a checkpoint every 200 ms. Its futures resolve when a leaf has its index; awaiting
// ends with a checkpoint that covers it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	folder := flag.String("folder", ".", "On the disk to measure; a new folder in it is used.")
	flight := flag.Int("in-flight", 1024, "Leaves under way at a time.")
	bytes := flag.Int("bytes", 256, "Of a leaf.")
	seconds := flag.Int("seconds", 10, "For which leaves are appended.")
	every := flag.Duration("checkpoints", 200*time.Millisecond, "Time between checkpoints.")
	flag.Parse()
	if err := run(*folder, *flight, *bytes, *seconds, *every); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string, flight, bytes, seconds int, every time.Duration) error {
	data, err := os.MkdirTemp(folder, "tessera-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	ctx := context.Background()
	driver, err := posix.New(ctx, posix.Config{Path: data})
	if err != nil {
		return err
	}
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example/log")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithCheckpointInterval(every)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	// A poll a tenth of the time between two checkpoints adds little to what is measured.
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, every/10)
	indexed, covered, pushed, took := load(ctx, appender, awaiter, flight, bytes, seconds)
	fmt.Printf("%d under way: %.0f leaves/s, index p50 %.1f ms p99 %.1f ms, checkpoint p50 %.1f ms"+
		" p99 %.1f ms, %d pushed back\n", flight, float64(len(indexed))/took.Seconds(),
		percentile(indexed, 50), percentile(indexed, 99),
		percentile(covered, 50), percentile(covered, 99), pushed)
	return shutdown(ctx)
}

// One leaf in 256 is awaited until a checkpoint covers it, beside those under way.
func load(ctx context.Context, appender *tessera.Appender, awaiter *tessera.PublicationAwaiter,
	flight, bytes, seconds int) (indexed, covered []float64, pushed int64, took time.Duration) {
	var lock sync.Mutex
	var workers, waits sync.WaitGroup
	var count, refused atomic.Int64
	start := time.Now()
	end := start.Add(time.Duration(seconds) * time.Second)
	for range flight {
		workers.Go(func() {
			for time.Now().Before(end) {
				leaf := make([]byte, bytes)
				_, _ = rand.Read(leaf)
				begin := time.Now()
				future := appender.Add(ctx, tessera.NewEntry(leaf))
				_, err := future()
				if errors.Is(err, tessera.ErrPushback) {
					refused.Add(1)
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					panic(err)
				}
				lock.Lock()
				indexed = append(indexed, millis(begin))
				lock.Unlock()
				if count.Add(1)%256 == 0 {
					waits.Go(func() {
						if _, _, err := awaiter.Await(ctx, future); err != nil {
							panic(err)
						}
						lock.Lock()
						covered = append(covered, millis(begin))
						lock.Unlock()
					})
				}
			}
		})
	}
	workers.Wait()
	took = time.Since(start)
	waits.Wait()
	return indexed, covered, refused.Load(), took
}

func millis(begin time.Time) float64 {
	return float64(time.Since(begin).Nanoseconds()) / 1e6
}

// Nearest rank.
func percentile(values []float64, percent int) float64 {
	if len(values) == 0 {
		return 0
	}
	sort.Float64s(values)
	return values[(percent*len(values)+99)/100-1]
}
