/* A call's sound without Python on pjmedia's clock thread.
 *
 * LinePort is the one port of a call in the bridge. What the caller says goes into a ring of the service's
 * own memory, and beside it, sample by sample at the same time, what the caller was sent; a listener for all
 * calls is woken through a file descriptor. What is to be said is read from a LinePlayback.
 *
 * PCM16 mono, 8 kHz, frames of 20 ms (160 samples). Addresses are those of memory that the service keeps for
 * as long as the port may be called: see ivr/audio/line.py. */
#ifndef LINE_PORT_HPP
#define LINE_PORT_HPP

#include <memory>
#include <string>
#include <pjsua2.hpp>

namespace line {

struct Playing;
struct Ended;
struct Line;

/* What playbacks report: a number for each, which the service takes when it comes by. Any thread. */
class Reports
{
public:
    Reports();
    /* The oldest report not yet taken: 4 * id + kind, kind 1 its end, 2 that it runs low; 0 when there is none. */
    unsigned long long take();

private:
    std::shared_ptr<Ended> queue_;
    friend class LinePlayback;
};

/* Something to be said, written by the service while it is read by the clock thread. Any thread. */
class LinePlayback
{
public:
    /* `low_water`: samples below which it reports, once after each write, that it runs low. */
    LinePlayback(unsigned long long id, unsigned low_water, const Reports &reports);
    ~LinePlayback();

    /* Append sound. The bytes object must be kept until `drop`. */
    void write(const char *pcm, size_t bytes);
    /* Nothing more will be written. */
    void finish();
    /* It is over at the next frame. */
    void stop();
    /* It is over now: when this returns nothing written is touched any more. */
    void drop();
    /* Loudness, 1 is as written; reached in a straight line within the next frame. */
    void setGain(double gain);

    /* Samples handed to the bridge, padding not counted. */
    unsigned long long played() const;
    /* Samples written. */
    unsigned long long written() const;
    bool stopped() const;
    bool finished() const;
    bool ended() const;

private:
    std::shared_ptr<Playing> it_;
    friend class LinePort;
};

/* The port. Made, wired and freed on the SIP thread. */
class LinePort : public pj::AudioMedia
{
public:
    /* `heard` and `sent`: int16[ring], the rings; ring a multiple of 160. `written`: uint64, samples put into
     * both. `armed`: uint32, set by the listener before it waits on the read end of `wake`. */
    LinePort(unsigned long long heard, unsigned long long sent, unsigned ring, unsigned long long written,
             unsigned long long armed, int wake);
    virtual ~LinePort();

    void createPort(const std::string &name);
    /* Say this from the next frame on, in place of what is being said. */
    void play(const LinePlayback &playback);
    /* Say nothing. */
    void rest();

private:
    Line *line_;
    pjmedia_port *port_;
};

} // namespace line

#endif
