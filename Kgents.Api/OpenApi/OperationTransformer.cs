using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Api.Authentication;
using Kgents.Api.Tickets;
using Kgents.Api.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>Completes an operation of the document by what its endpoint declares: its <see cref="Operation"/> and its <see cref="RequiredScope"/>.</summary>
internal sealed class OperationTransformer(IOptions<JsonOptions> json) : IOpenApiOperationTransformer
{
    private const string ProblemJson = "application/problem+json";

    private readonly JsonSerializerOptions options = json.Value.SerializerOptions;

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var declared = metadata.OfType<Operation>().Last();
        var scope = metadata.OfType<RequiredScope>().Last();
        var document = context.Document!;

        operation.OperationId = declared.Id;
        operation.Summary = declared.Summary;
        operation.Description = $"Takes a key with the scope `{scope.Name}`{(scope.OfOperator ? " of the operator's tenant" : "")}.";
        operation.Security = [.. DocumentTransformer.SecuritySchemes.Keys.Select(scheme => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme, document)] = [scope.Name] })];
        if (metadata.OfType<AcceptsTicket>().Any())
        {
            operation.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(DocumentTransformer.TicketScheme, document)] = [] });
        }

        DescribeParameters(operation, declared);
        if (declared.Example is { } example)
        {
            operation.RequestBody!.Content!["application/json"].Example = JsonSerializer.SerializeToNode(example, options.GetTypeInfo(example.GetType()));
        }

        // The framework knows those with a body only, and supposes a 200 where it knows none.
        var found = operation.Responses;
        operation.Responses = [];
        foreach (var answer in declared.Answers)
        {
            var response = found?.GetValueOrDefault(Key(answer.Status)) as OpenApiResponse ?? new OpenApiResponse();
            operation.Responses.Add(Key(answer.Status), response);
            DescribeAnswer(response, answer, document);
        }

        foreach (var problems in CommonProblems.Of(scope, context.Description.RelativePath!, operation.RequestBody is not null).Concat(declared.Problems).GroupBy(problem => problem.StatusCode))
        {
            operation.Responses[Key(problems.Key)] = Describe(problems.Key, problems, document);
        }

        return Task.CompletedTask;
    }

    private static void DescribeParameters(OpenApiOperation operation, Operation declared)
    {
        operation.Parameters ??= [];
        foreach (var header in declared.RequestHeaders)
        {
            operation.Parameters.Add(new OpenApiParameter { Name = header, In = ParameterLocation.Header, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        }

        foreach (var parameter in operation.Parameters.Cast<OpenApiParameter>())
        {
            parameter.Description = DocumentParameters.MeaningOf(parameter.Name!);
            if (DocumentParameters.SchemaOf(parameter.Name!) is { } schema && parameter.In == ParameterLocation.Query)
            {
                parameter.Schema = schema;
            }
        }
    }

    private void DescribeAnswer(OpenApiResponse response, Answer answer, OpenApiDocument document)
    {
        response.Description = answer.Text;
        response.Headers = Headers(document, [.. answer.Headers, .. DocumentParameters.LimitHeaders]);
        if (answer.Body is not null)
        {
            var example = answer.Example ?? AnswerExamples.Of(answer.Body);
            response.Content!["application/json"].Example = JsonSerializer.SerializeToNode(example, options.GetTypeInfo(answer.Body));
        }

        if (answer.Csv is not null)
        {
            response.Content ??= new Dictionary<string, OpenApiMediaType>();
            response.Content[Csv.MediaType] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "A first line of names, then a line for each row." }, Example = answer.Csv };
        }

        if (answer.Events is not null)
        {
            response.Content ??= new Dictionary<string, OpenApiMediaType>();
            response.Content["text/event-stream"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = Describe(answer.Events) }, Example = ExampleOf(answer.Events) };
        }
    }

    private string Describe(IReadOnlyList<StreamEvent> events) => string.Join('\n',
    [
        "Server-Sent Events. `data` is JSON; `id` is where the stream is resumed. Comments keep the connection.",
        "",
        "| event | fields of its data | when |",
        "|---|---|---|",
        .. events.Select(each => $"| `{each.Name}` | {string.Join(", ", options.GetTypeInfo(each.Data).Properties.Where(field => field.Get is not null).Select(field => $"`{field.Name}`"))} | {each.When} |"),
    ]);

    private string ExampleOf(IReadOnlyList<StreamEvent> events) => string.Concat(AnswerExamples.Events
        .Where(example => events.Any(each => each.Name == example.Name))
        .Select((example, index) => string.Create(CultureInfo.InvariantCulture, $"id: {index}\nevent: {example.Name}\ndata: {JsonSerializer.Serialize(example.Data, options.GetTypeInfo(example.Data.GetType()))}\n\n")));

    private OpenApiResponse Describe(int status, IEnumerable<ProblemHttpResult> problems, OpenApiDocument document)
    {
        var byType = problems.GroupBy(problem => problem.ProblemDetails.Type!).Select(type => type.First()).ToList();
        return new OpenApiResponse
        {
            Description = string.Join(" ", byType.Select(problem => $"{problem.ProblemDetails.Title}.")),
            Headers = Headers(document, status switch
            {
                401 => ["WWW-Authenticate"],
                429 or 503 => ["Retry-After", .. DocumentParameters.LimitHeaders],
                _ => DocumentParameters.LimitHeaders,
            }),
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ProblemJson] = new()
                {
                    Schema = new OpenApiSchemaReference(DocumentTransformer.ProblemSchema, document),
                    Examples = byType.ToDictionary(NameOf, problem => (IOpenApiExample)new OpenApiExample { Value = ExampleOf(problem) }),
                },
            },
        };
    }

    /// <summary>What is behind the last colon or number sign of a problem's type; a turn can fail by a name that is also a problem before it.</summary>
    private static string NameOf(ProblemHttpResult problem) =>
        (problem.ProblemDetails.Extensions.ContainsKey("code") ? "turn-failed-" : "") + problem.ProblemDetails.Type![(problem.ProblemDetails.Type!.LastIndexOfAny([':', '#']) + 1)..];

    private JsonNode? ExampleOf(ProblemHttpResult problem) => JsonSerializer.SerializeToNode(problem.ProblemDetails, problem.ProblemDetails.GetType(), options);

    private static Dictionary<string, IOpenApiHeader> Headers(OpenApiDocument document, IEnumerable<string> names) =>
        names.ToDictionary(name => name, IOpenApiHeader (name) => new OpenApiHeaderReference(name, document));

    private static string Key(int status) => status.ToString(CultureInfo.InvariantCulture);
}
