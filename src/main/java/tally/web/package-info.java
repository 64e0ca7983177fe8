/** Counter: every address, and what it answers with. */
package tally.web;
