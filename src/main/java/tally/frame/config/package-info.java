/** Frame: where settings come from and how they are read. Any service would have it. */
package tally.frame.config;
