/* pjproject compiled for a thousand calls in one process. Each limit says what it is derived from; the
 * size of a table is paid once per process, what grows per call is small. */

/* One slot of these is what refusing a call too many needs for itself. */
#define PJSUA_MAX_CALLS                 1024

/* A call's ports in the bridge: its stream, the tap that listens, one player, and one to spare (a recorder,
 * the other leg of a transfer while both exist). One more is the bridge's own. This is the ceiling: every
 * port in use takes 8 bytes for each port the bridge is opened with, so the service opens it with what its
 * own limit of calls needs (medConfig.maxMediaPorts). */
#define PJSUA_MAX_CONF_PORTS            (4 * PJSUA_MAX_CALLS + 8)

/* Files played and recorded by C: for each call a prompt and the one that follows it, and a recording. */
#define PJSUA_MAX_PLAYERS               (2 * PJSUA_MAX_CALLS)
#define PJSUA_MAX_RECORDERS             PJSUA_MAX_CALLS

/* The local account and one for each registration at a PBX or trunk. */
#define PJSUA_MAX_ACC                   64

/* RTP and RTCP of each call, one for its signalling when it comes over TCP or TLS, and a quarter for
 * those just closed: epoll keeps a handle for half a second. select could not hold more than 1024. */
#define PJ_IOQUEUE_MAX_HANDLES          (4 * PJSUA_MAX_CALLS)
#define PJ_IOQUEUE_MAX_EVENTS_IN_SINGLE_POLL 64
#define PJSIP_TPMGR_HTABLE_SIZE         1023

/* Over UDP a transaction stays 32 s (RFC 3261, 17; RFC 6026). With INVITE and BYE this is enough for
 * 250 calls set up and ended each second. 2^n-1, as the hash table wants it. */
#define PJSIP_MAX_TSX_COUNT             16383
#define PJSIP_MAX_DIALOG_COUNT          4095

/* Timers that may fire in one poll: the poll of the SIP thread comes every few milliseconds. */
#define PJSIP_MAX_TIMED_OUT_ENTRIES     64

/* A burst of INVITEs waits in the socket, as far as net.core.rmem_max lets it. */
#define PJSIP_UDP_SO_RCVBUF_SIZE        (4 * 1024 * 1024)
#define PJSIP_UDP_SO_SNDBUF_SIZE        (1024 * 1024)

/* Connections that wait to be accepted: the SIP thread comes by every few milliseconds, and a connection that
 * finds the queue full is tried again by its caller a second later. For TCP and for TLS. */
#define PJSIP_TCP_TRANSPORT_BACKLOG     1024
#define PJ_SOMAXCONN                    1024

/* Who connects over TCP or TLS and sends no valid SIP message is let go after so many seconds; who has sent
 * one, after 600 idle ones. */
#define PJSIP_TRANSPORT_SERVER_IDLE_TIME_FIRST 30

/* Media lines of one session; each call has two sets of them ready (650 bytes a line). */
#define PJMEDIA_MAX_SDP_MEDIA           8

/* SRTP by SDES (RFC 4568) is on by default; DTLS-SRTP (RFC 5763) is for peers that ask for it. AES-GCM is
 * left off: pjproject has it only with a libsrtp made on OpenSSL, and Debian's is made on NSS. */
#define PJMEDIA_SRTP_HAS_DTLS           1

/* Receiver reports go to the address that is signalled or learned with the sound (patches/0001), and to no other:
 * three packets from anywhere moved them. */
#define PJMEDIA_RTCP_NAT_PROBATION_CNT  1000000000
