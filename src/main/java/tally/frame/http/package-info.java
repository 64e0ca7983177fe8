/** Frame: how HTTP is spoken: the server, its limits, answers and problems, health, and the order of a stop. */
package tally.frame.http;
