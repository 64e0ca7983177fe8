/** Frame: what the process did, in numbers for Prometheus. */
package tally.frame.metrics;
