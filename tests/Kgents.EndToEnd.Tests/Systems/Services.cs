using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>The processes that a test has started, ended ones too.</summary>
internal sealed class Services : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly List<ServiceProcess> started = [];

    public IReadOnlyList<ServiceProcess> All
    {
        get
        {
            lock (gate)
            {
                return [.. started];
            }
        }
    }

    /// <summary>Returns when the service says that it is ready.</summary>
    public async Task<ServiceProcess> StartAsync(string project, IReadOnlyDictionary<string, string?> environment)
    {
        var process = await ServiceProcess.StartAsync(project, environment, TestContext.Current.CancellationToken);
        lock (gate)
        {
            started.Add(process);
        }

        await process.WaitForReadyAsync(TestContext.Current.CancellationToken);
        return process;
    }

    public IReadOnlyList<ServiceProcess> Of(string project) => [.. All.Where(process => process.Project == project)];

    /// <summary>SIGTERM to all that run; returns their exit codes.</summary>
    public Task<int[]> TerminateAsync() =>
        Task.WhenAll(All.Where(process => !process.HasExited).Select(process => process.TerminateAsync(TestContext.Current.CancellationToken)));

    public async ValueTask DisposeAsync() => await Task.WhenAll(All.Select(process => process.DisposeAsync().AsTask()));
}
