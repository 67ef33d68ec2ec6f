using Kgents.Streaming.Models;

namespace Kgents.Streaming.Usage;

/// <summary>Loads the encodings of all models while the process starts, so that no turn waits for one.</summary>
internal sealed class TokenCounterWarmUp(TokenCounter counter, LanguageModels models) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var name in models.Names)
        {
            counter.Load(name);
        }

        return Task.CompletedTask;
    }
}
