/* SWIG's input: pjproject's own, with these differences.
 *
 * SWIG lets go of Python's lock (the GIL) around every call into C++. For what a media port does with each
 * frame that is wrong twice. assign_from_bytes and copy_to_bytearray use Python's objects, which may only be
 * done with the lock held; and whoever lets go of it for a call of nanoseconds may wait milliseconds to get it
 * back, on the one thread that serves all calls. So the lock is kept for these. */
%module(directors="1") pjsua2

%nothread std::vector<unsigned char>::assign_from_bytes;
%nothread std::vector<unsigned char>::copy_to_bytearray;
%nothread std::vector<unsigned char>::size;
%nothread std::vector<unsigned char>::vector;
%nothread std::vector<unsigned char>::~vector;
%nothread pj::MediaFrame::type;
%nothread pj::MediaFrame::buf;
%nothread pj::MediaFrame::size;

/* An error that one of the two finds is raised; otherwise the interpreter finds it later, with no cause. */
%exception std::vector<unsigned char>::assign_from_bytes {
    $action
    if (PyErr_Occurred()) SWIG_fail;
}
%exception std::vector<unsigned char>::copy_to_bytearray {
    $action
    if (PyErr_Occurred()) SWIG_fail;
}

%include "pjsua2.i"

/* Sound without Python per frame (line_port.hpp). What a playback does takes less than letting go of the lock. */
%{
#include "line_port.hpp"
%}
%nothread line::Reports;
%nothread line::LinePlayback;
%nothread line::LinePort::play;
%nothread line::LinePort::rest;

/* A bytes object, which the caller keeps. */
%typemap(in) (const char *pcm, size_t bytes) {
    char *text = NULL;
    Py_ssize_t length = 0;
    if (PyBytes_AsStringAndSize($input, &text, &length) != 0) SWIG_fail;
    $1 = text;
    $2 = (size_t)length;
}
%include "line_port.hpp"

/* In the build with sanitizers these are macros; the service calls them by their names. */
%{
#if PJ_POOL_DEBUG
#undef pj_pool_release
#undef pj_pool_alloc
extern "C" PJ_DEF(void) pj_pool_release(pj_pool_t *pool) { pj_pool_release_imp(pool); }
extern "C" PJ_DEF(void *) pj_pool_alloc(pj_pool_t *pool, pj_size_t size)
{
    return pj_pool_alloc_imp(__FILE__, __LINE__, pool, 0, size);
}
#endif
%}
