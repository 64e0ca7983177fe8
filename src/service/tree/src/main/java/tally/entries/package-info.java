/** The guestbook: what an entry is, where entries are kept, and each address. */
package tally.entries;
