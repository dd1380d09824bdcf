/* Chains: programs that go on with the results of their reductions. A box is a row, tile by tile,
 * or a tile of several short rows; every pass over it but the first finds it in the cache. */
#include <string.h>

#include "vm.h"

/* A value a row, at every point of the tile (of all tiles, if a row takes several). */
static void spread(Machine *m, const Spread *s, int64_t lanes) {
    const Layout *l = &m->run->layout;
    int size = m->run->program->size[s->from];
    int64_t width = l->cut_reduced ? l->tile : l->whole;
    for (int64_t i = 0; i < lanes; i++)
        m->run->kernels->fill(m->at[s->to] + i * width * size, m->at[s->from] + i * size, size,
                              width);
}

/* Sets the machine up for a tile; with `ahead`, also says where the same one of the next box is. */
static int64_t go_to_tile(Machine *m, int64_t tile, bool ahead) {
    const Run *run = m->run;
    const Layout *l = &run->layout;
    const Program *p = run->program;
    size_t bytes = (size_t)l->operands * sizeof *m->current;
    for (int s = 0; s < p->slots; s++)
        if (p->storage[s] >= p->storages - p->resident) m->at[s] = m->home[s] + tile * BUFFER;
    if (ahead) {
        memcpy(m->next, m->box + l->operands, bytes);
        layout_locate(l, l->kept_loops, l->loops, tile, (int64_t *)m->next, 0);
    }
    memcpy(m->pointer, m->current, bytes);
    return layout_locate(l, l->kept_loops, l->loops, tile, (int64_t *)m->pointer, m->piece[0]);
}

static void run_pass(Machine *m, int phase, int64_t lanes) {
    const Run *run = m->run;
    const Program *p = run->program;
    bool ahead = run->prefetches && phase == p->busiest;
    for (int i = 0; i < p->spreads; i++)
        if (p->spread[i].phase == phase) spread(m, p->spread + i, lanes);
    reduce_begin(m, phase);
    for (int64_t tile = 0; tile < run->layout.reduced_tiles; tile++) {
        int64_t piece = go_to_tile(m, tile, ahead);
        tile_run(m, piece, phase);
    }
    for (int k = p->outputs; k < p->outputs + p->results; k++) {
        const Output *o = p->output + k;
        if (o->phase != phase) continue;
        Lanes result = reduce_end(m, k);
        memcpy(m->at[o->into], result.value, (size_t)(lanes * o->lane_size));
    }
}

void chain_run(Machine *m, int64_t box) {
    const Layout *l = &m->run->layout;
    const Program *p = m->run->program;
    int64_t next = box + 1 < l->kept_tiles ? box + 1 : box;
    m->piece[0] = layout_locate_box(l, box, m->current);
    layout_locate_box(l, next, m->box + l->operands);
    int64_t lanes = l->cut_reduced ? 1 : m->piece[0];
    for (int phase = 0; phase <= p->phases; phase++) {
        for (int i = 0; i < p->steps; i++)
            if (p->step[i].row && p->step[i].phase == phase) tile_step(m, p->step + i, lanes);
        if (phase < p->phases) run_pass(m, phase, lanes);
    }
    for (int k = 0; k < p->outputs; k++) {
        const Output *o = p->output + k;
        Lanes row = {m->at[o->value], NULL};
        if (o->reduces) reduce_store(m, k, folds(o) ? reduce_end(m, k) : row, m->piece[0]);
    }
}
