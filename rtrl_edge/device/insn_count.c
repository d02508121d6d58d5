/* QEMU plugin: counts the guest's instructions between two addresses.
 *
 *   -plugin insn_count.so,out=FILE,mark=NAME:START:STOP[,mark=...][,next=ADDRESS]
 *
 * A span begins when the instruction at START is about to run and ends when the one at STOP is: the first
 * counts, the second does not. At exit FILE gets "NAME spans min max total" a line, then "all - - - total"; the same
 * each time that the instruction at `next` is about to run, and all counts begin anew.
 * Numbers of instructions, not of cycles: the emulator has no pipeline, wait states or cache.
 *
 * Debian ships QEMU's plugin interface but not its header, so what is used of its version 1 is declared here. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*insn_callback_t)(unsigned vcpu, void *data);
typedef void (*translate_callback_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*exit_callback_t)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_callback_t callback);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_callback_t callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_callback_t callback,
                                            enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, enum qemu_plugin_op operation,
                                                void *counter, uint64_t amount);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments);

enum { MARKS_MAX = 32, NAME_MAX_LENGTH = 31 };

typedef struct mark {
    char name[NAME_MAX_LENGTH + 1];
    uint64_t start, stop;
    bool open;
    uint64_t began, spans, min, max, total;
} mark_t;

static mark_t marks[MARKS_MAX];
static int mark_count;
static uint64_t executed; /* every instruction so far */
static uint64_t next;     /* 0: nowhere */
static FILE *out;

static void on_start(unsigned vcpu, void *data) {
    (void)vcpu;
    mark_t *mark = data;
    mark->began = executed;
    mark->open = true;
}

static void on_stop(unsigned vcpu, void *data) {
    (void)vcpu;
    mark_t *mark = data;
    if (!mark->open) {
        return;
    }
    const uint64_t span = executed - mark->began;
    mark->open = false;
    mark->min = mark->spans == 0 || span < mark->min ? span : mark->min;
    mark->max = span > mark->max ? span : mark->max;
    mark->total += span;
    mark->spans++;
}

static void report(void) {
    for (int m = 0; m < mark_count; m++) {
        const mark_t *mark = &marks[m];
        fprintf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", mark->name, mark->spans, mark->min,
                mark->max, mark->total);
    }
    fprintf(out, "all - - - %" PRIu64 "\n", executed);
}

static void on_next(unsigned vcpu, void *data) {
    (void)vcpu;
    (void)data;
    report();
    executed = 0;
    for (int m = 0; m < mark_count; m++) {
        marks[m].spans = marks[m].min = marks[m].max = marks[m].total = 0;
    }
}

/* An instruction's callbacks run before its own count is added. */
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    const size_t n = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint64_t address = qemu_plugin_insn_vaddr(insn);
        for (int m = 0; m < mark_count; m++) {
            if (address == marks[m].start) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, QEMU_PLUGIN_CB_NO_REGS, &marks[m]);
            }
            if (address == marks[m].stop) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_stop, QEMU_PLUGIN_CB_NO_REGS, &marks[m]);
            }
        }
        if (next != 0 && address == next) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_next, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &executed, 1);
    }
}

static void on_exit_report(qemu_plugin_id_t id, void *data) {
    (void)id;
    (void)data;
    report();
    fclose(out);
}

/* NAME:START:STOP, numbers as strtoull reads them */
static bool parse_mark(const char *text) {
    const char *colon = strchr(text, ':');
    if (mark_count == MARKS_MAX || colon == NULL || colon - text > NAME_MAX_LENGTH) {
        return false;
    }
    mark_t *mark = &marks[mark_count];
    memcpy(mark->name, text, (size_t)(colon - text));
    char *end;
    mark->start = strtoull(colon + 1, &end, 0);
    if (*end != ':') {
        return false;
    }
    mark->stop = strtoull(end + 1, &end, 0);
    mark_count++;
    return *end == '\0';
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments) {
    (void)info;
    for (int i = 0; i < count; i++) {
        const char *text = arguments[i];
        if (strncmp(text, "out=", 4) == 0 && out == NULL) {
            out = fopen(text + 4, "w");
        } else if (strncmp(text, "next=", 5) == 0) {
            next = strtoull(text + 5, NULL, 0);
        } else if (strncmp(text, "mark=", 5) != 0 || !parse_mark(text + 5)) {
            fprintf(stderr, "insn_count: wanted out=FILE, mark=NAME:START:STOP or next=ADDRESS, found '%s'\n", text);
            return 1;
        }
    }
    if (out == NULL) {
        fprintf(stderr, "insn_count: wanted out=FILE that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit_report, NULL);
    return 0;
}
