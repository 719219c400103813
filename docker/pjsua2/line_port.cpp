#include "line_port.hpp"

#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <unistd.h>

namespace line {

static const unsigned FRAME = 160;
static const unsigned RATE = 8000;

struct Ended
{
    std::mutex lock;
    std::deque<unsigned long long> reports;

    void add(unsigned long long report)
    {
        std::lock_guard<std::mutex> hold(lock);
        reports.push_back(report);
    }
};

Reports::Reports() : queue_(std::make_shared<Ended>()) {}

unsigned long long Reports::take()
{
    std::lock_guard<std::mutex> hold(queue_->lock);
    if (queue_->reports.empty())
        return 0;
    unsigned long long oldest = queue_->reports.front();
    queue_->reports.pop_front();
    return oldest;
}

struct Chunk
{
    const pj_int16_t *pcm;
    size_t samples;
};

/* Locks are held for the copy of a frame or the append of a chunk, never while anybody waits. */
struct Playing
{
    Playing(unsigned long long id_, unsigned low_water_, std::shared_ptr<Ended> reports_)
        : id(id_), low_water(low_water_), reports(reports_), played(0), written(0), gain(1.0f),
          stopped(false), finished(false), ended(false), offset(0), low_told(false), gain_now(1.0f)
    {
    }

    const unsigned long long id;
    const unsigned low_water;
    const std::shared_ptr<Ended> reports;
    std::atomic<unsigned long long> played, written;
    std::atomic<float> gain;
    std::atomic<bool> stopped, finished, ended;

    std::mutex lock; /* of what follows */
    std::deque<Chunk> chunks;
    size_t offset;
    bool low_told;
    float gain_now;

    /* The next frame, padded with silence; false once it is over. Clock thread. */
    bool read(pj_int16_t *out)
    {
        std::lock_guard<std::mutex> hold(lock);
        if (ended)
            return false;
        /* `finished` first: what was written before it must be seen after it. */
        bool complete = finished;
        if (stopped || (complete && chunks.empty())) {
            end();
            return false;
        }
        unsigned got = 0;
        while (got < FRAME && !chunks.empty()) {
            const Chunk &chunk = chunks.front();
            size_t take = chunk.samples - offset;
            if (take > FRAME - got)
                take = FRAME - got;
            std::memcpy(out + got, chunk.pcm + offset, take * sizeof(*out));
            got += (unsigned)take;
            offset += take;
            if (offset == chunk.samples) {
                chunks.pop_front();
                offset = 0;
            }
        }
        std::memset(out + got, 0, (FRAME - got) * sizeof(*out));
        played += got;
        apply_gain(out);
        if (!complete && !low_told && written - played < low_water) {
            low_told = true;
            reports->add(4 * id + 2);
        }
        return true;
    }

    void end()
    {
        chunks.clear();
        if (!ended.exchange(true))
            reports->add(4 * id + 1);
    }

private:
    void apply_gain(pj_int16_t *out)
    {
        float wanted = gain;
        if (wanted == 1.0f && gain_now == 1.0f)
            return;
        float step = (wanted - gain_now) / FRAME;
        for (unsigned i = 0; i < FRAME; ++i)
            out[i] = (pj_int16_t)(out[i] * (gain_now + step * (i + 1)));
        gain_now = wanted;
    }
};

LinePlayback::LinePlayback(unsigned long long id, unsigned low_water, const Reports &reports)
    : it_(std::make_shared<Playing>(id, low_water, reports.queue_))
{
}

LinePlayback::~LinePlayback() { drop(); }

void LinePlayback::write(const char *pcm, size_t bytes)
{
    std::lock_guard<std::mutex> hold(it_->lock);
    if (it_->stopped || it_->ended || bytes < sizeof(pj_int16_t))
        return;
    it_->chunks.push_back({(const pj_int16_t *)pcm, bytes / sizeof(pj_int16_t)});
    it_->written += bytes / sizeof(pj_int16_t);
    it_->low_told = false;
}

void LinePlayback::finish() { it_->finished = true; }

void LinePlayback::stop() { it_->stopped = true; }

void LinePlayback::drop()
{
    std::lock_guard<std::mutex> hold(it_->lock);
    it_->stopped = true;
    it_->ended = true; /* whoever drops it does not ask for a report */
    it_->chunks.clear();
}

void LinePlayback::setGain(double gain) { it_->gain = (float)gain; }

unsigned long long LinePlayback::played() const { return it_->played; }

unsigned long long LinePlayback::written() const { return it_->written; }

bool LinePlayback::stopped() const { return it_->stopped; }

bool LinePlayback::finished() const { return it_->finished; }

bool LinePlayback::ended() const { return it_->ended; }

/* Lives until the bridge has let go of the port, which may be later than the LinePort. */
struct Line
{
    pjmedia_port port;
    pj_pool_t *pool;
    pj_int16_t *heard, *sent;
    unsigned ring;
    pj_uint64_t *written;
    pj_uint32_t *armed;
    int wake;
    bool spoke; /* `sent` has this tick's frame */
    std::mutex lock; /* of playing */
    std::shared_ptr<Playing> playing;

    pj_int16_t *at(pj_int16_t *ring_memory) const { return ring_memory + *written % ring; }
};

/* In each tick the bridge first takes a frame from every port, then gives one to every port. */

static pj_status_t get_frame(pjmedia_port *port, pjmedia_frame *frame)
{
    Line *it = static_cast<Line *>(port->port_data.pdata);
    std::shared_ptr<Playing> playing;
    {
        std::lock_guard<std::mutex> hold(it->lock);
        playing = it->playing;
    }
    pj_int16_t *out = static_cast<pj_int16_t *>(frame->buf);
    if (!playing || frame->size < FRAME * sizeof(*out) || !playing->read(out)) {
        frame->type = PJMEDIA_FRAME_TYPE_NONE;
        frame->size = 0;
        return PJ_SUCCESS;
    }
    frame->type = PJMEDIA_FRAME_TYPE_AUDIO;
    frame->size = FRAME * sizeof(*out);
    std::memcpy(it->at(it->sent), out, frame->size);
    it->spoke = true;
    return PJ_SUCCESS;
}

static pj_status_t put_frame(pjmedia_port *port, pjmedia_frame *frame)
{
    Line *it = static_cast<Line *>(port->port_data.pdata);
    if (frame->type != PJMEDIA_FRAME_TYPE_AUDIO || frame->size < FRAME * sizeof(pj_int16_t)) {
        it->spoke = false; /* on hold nothing flows, and no time passes */
        return PJ_SUCCESS;
    }
    std::memcpy(it->at(it->heard), frame->buf, FRAME * sizeof(pj_int16_t));
    if (!it->spoke)
        std::memset(it->at(it->sent), 0, FRAME * sizeof(pj_int16_t));
    it->spoke = false;
    __atomic_store_n(it->written, *it->written + FRAME, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(it->armed, __ATOMIC_SEQ_CST) && __atomic_exchange_n(it->armed, 0, __ATOMIC_SEQ_CST)) {
        /* A full pipe wakes as well. */
        if (::write(it->wake, "", 1) < 0)
            return PJ_SUCCESS;
    }
    return PJ_SUCCESS;
}

static pj_status_t on_destroy(pjmedia_port *port)
{
    Line *it = static_cast<Line *>(port->port_data.pdata);
    pj_pool_t *pool = it->pool;
    delete it;
    if (pool)
        pj_pool_release(pool);
    return PJ_SUCCESS;
}

LinePort::LinePort(unsigned long long heard, unsigned long long sent, unsigned ring,
                   unsigned long long written, unsigned long long armed, int wake)
    : line_(new Line()), port_(NULL)
{
    line_->heard = reinterpret_cast<pj_int16_t *>(heard);
    line_->sent = reinterpret_cast<pj_int16_t *>(sent);
    line_->ring = ring;
    line_->written = reinterpret_cast<pj_uint64_t *>(written);
    line_->armed = reinterpret_cast<pj_uint32_t *>(armed);
    line_->wake = wake;
}

LinePort::~LinePort()
{
    try {
        unregisterMediaPort();
    } catch (const pj::Error &) {
        /* the endpoint is gone, and its bridge with it */
    }
    rest();
    if (port_)
        pjmedia_port_destroy(port_);
    else
        delete line_;
}

void LinePort::createPort(const std::string &name)
{
    if (port_)
        throw pj::Error(PJ_EEXISTS, "createPort", "a port is created once", __FILE__, __LINE__);
    if (!line_->ring || line_->ring % FRAME)
        throw pj::Error(PJ_EINVAL, "createPort", "the ring must hold whole frames", __FILE__, __LINE__);
    pj_pool_t *pool = pjsua_pool_create("line%p", 512, 512);
    if (!pool)
        throw pj::Error(PJ_ENOMEM, "createPort", "no memory", __FILE__, __LINE__);
    pj_str_t label;
    pj_strdup2_with_null(pool, &label, name.c_str());
    pjmedia_port *port = &line_->port;
    pjmedia_port_info_init(&port->info, &label, PJMEDIA_SIG_CLASS_APP('L', 'I', 'N'), RATE, 1, 16, FRAME);
    port->port_data.pdata = line_;
    port->get_frame = &get_frame;
    port->put_frame = &put_frame;
    port->on_destroy = &on_destroy;
    pj_status_t status = pjmedia_port_init_grp_lock(port, pool, NULL);
    if (status != PJ_SUCCESS) {
        pj_pool_release(pool);
        throw pj::Error(status, "createPort", "", __FILE__, __LINE__);
    }
    line_->pool = pool;
    port_ = port;
    registerMediaPort2(port_, pool);
}

void LinePort::play(const LinePlayback &playback)
{
    std::lock_guard<std::mutex> hold(line_->lock);
    line_->playing = playback.it_;
}

void LinePort::rest()
{
    std::lock_guard<std::mutex> hold(line_->lock);
    line_->playing.reset();
}

} // namespace line
