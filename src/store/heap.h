/* heap.h -- where SQLite takes its memory. */
#ifndef MN_STORE_HEAP_H
#define MN_STORE_HEAP_H

/* To be called before anything else of SQLite: where a host has set hooks, SQLite takes memory from
 * them, too.  A host that has used SQLite before keeps what SQLite had. */
void mn_heap_begin(void);

#endif
