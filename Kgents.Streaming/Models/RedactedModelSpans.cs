using System.Diagnostics;
using OpenTelemetry;

namespace Kgents.Streaming.Models;

/// <summary>A failed call's span keeps its error type and loses its description: a provider may repeat the prompt or the key there.</summary>
internal sealed class RedactedModelSpans : BaseProcessor<Activity>
{
    private const string ModelSource = "Experimental.Microsoft.Extensions.AI";

    public override void OnEnd(Activity data)
    {
        if (data.Source.Name == ModelSource && data.Status == ActivityStatusCode.Error)
        {
            data.SetStatus(ActivityStatusCode.Error);
        }
    }
}
