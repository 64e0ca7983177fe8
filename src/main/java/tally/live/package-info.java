/** Counter: what open pages hear, from whichever replica counted it. */
package tally.live;
