using System.Collections.Concurrent;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;

namespace Kgents.Bench.Figures;

/// <summary>Turns under way and those who view them.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource leave;
    private readonly List<Task> running = [];
    private readonly List<TokenViewer> viewers = [];
    private readonly ConcurrentBag<BenchTurn> turns = [];

    public Load(CancellationToken cancellationToken) => leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    public long Events => viewers.Sum(viewer => viewer.Events);

    public long Tokens => viewers.Sum(viewer => viewer.Tokens);

    public long Bytes => viewers.Sum(viewer => viewer.Bytes);

    /// <summary>Returns when the new viewer has seen its first event.</summary>
    public async Task<TokenViewer> AddAsync(HttpResponseMessage stream, Latencies? latencies = null)
    {
        var viewer = new TokenViewer(stream, latencies);
        var run = viewer.RunAsync(leave.Token);
        lock (viewers)
        {
            viewers.Add(viewer);
            running.Add(run);
        }

        await await Task.WhenAny(viewer.First, run);
        return viewer;
    }

    /// <summary>Begins turns at one API process, and views each there or, through another replica, at <paramref name="viewing"/>.</summary>
    public async Task BeginAsync(int count, BenchClient posting, BenchClient viewing, Latencies? latencies, CancellationToken cancellationToken) => await Task.WhenAll(
        Enumerable.Range(0, count).Select(async _ =>
        {
            var (turn, stream) = await posting.BeginAsync(cancellationToken);
            turns.Add(turn);
            if (viewing != posting)
            {
                stream.Dispose();
                stream = await viewing.FollowAsync(turn, 0, cancellationToken);
            }

            await AddAsync(stream, latencies);
        }));

    /// <summary>Waits while the load goes on, and fails when a turn did.</summary>
    public async Task GoOnAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        await Task.Delay(time, cancellationToken);
        foreach (var failed in running.Where(run => run.IsFaulted))
        {
            await failed;
        }
    }

    public Task WhenEndedAsync() => Task.WhenAll(running);

    /// <summary>Lets the model of every turn that was begun here go, so that nothing of this load is under way in the next.</summary>
    public async Task CancelTurnsAsync(BenchClient client, CancellationToken cancellationToken)
    {
        await Task.WhenAll(turns.Select(turn => client.CancelAsync(turn, cancellationToken)));
        await WhenEndedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await leave.CancelAsync();
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        leave.Dispose();
    }
}
