/** Counter: what is counted, each visit exactly once, and where it stands in Redis ({@link tally.counting.Keys}). */
package tally.counting;
