package dev.tributary.server.train;

/// Runs in figures, since the process began.
///
/// @param queued that wait now
/// @param running now, 0 or 1
/// @param tokens trained on, over all processes of the runs that ended or run now
/// @param loss of the run that runs, in its last step; NaN without one
/// @param steps of it that are done
public record RunFigures(
    int queued,
    int running,
    long succeeded,
    long failed,
    long cancelled,
    long tokens,
    double loss,
    int steps) {}
