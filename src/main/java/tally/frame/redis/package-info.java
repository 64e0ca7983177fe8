/** Frame: the one way to Redis: clients, deadlines, scripts, a cache, and what is wrong with it in words. */
package tally.frame.redis;
