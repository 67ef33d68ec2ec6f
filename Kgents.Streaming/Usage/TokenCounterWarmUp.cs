using Kgents.Streaming.Models;

namespace Kgents.Streaming.Usage;

/// <summary>Loads the encoding of the usual model while the process starts, so that no turn waits for it.</summary>
internal sealed class TokenCounterWarmUp(TokenCounter counter, LanguageModels models) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!models.Default.IsPersona)
        {
            counter.Load(models.Default.Name);
        }

        return Task.CompletedTask;
    }
}
