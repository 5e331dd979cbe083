/* A small XML reader: elements and their texts, as STS answers with them. No DTD, no namespaces but
 * for their prefixes, which are cut off; attributes are skipped. Thread: any; the state is the
 * caller's. Source: XML 1.0. */
#ifndef CONNECTORS_AWS_XML_H
#define CONNECTORS_AWS_XML_H

#include "bridge/bytes.h"

enum xml_token {
    XML_ERROR, /* malformed, too deep, a DTD, or an entity that nobody knows: for good */
    XML_END,   /* the one element has ended, and nothing but blanks and comments followed */
    XML_OPEN,  /* text is the name */
    XML_CLOSE, /* likewise; follows an empty element at once */
    XML_TEXT,  /* text, entities resolved; may come in pieces */
};

enum { XML_MAX_DEPTH = 32 };

struct xml_reader {
    char *at, *end;
    struct bytes text;
    struct bytes open[XML_MAX_DEPTH]; /* names as written */
    unsigned depth;
    bool empty_element, had_root;
    const char *error; /* why, after XML_ERROR */
};

/* Texts are decoded in place: text must be writable and outlive the views handed out. */
void xml_read(struct xml_reader *r, char *text, size_t len);
enum xml_token xml_next(struct xml_reader *r);

#endif
