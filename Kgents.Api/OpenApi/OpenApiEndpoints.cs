using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>The document of the API, for everybody.</summary>
internal static class OpenApiEndpoints
{
    private const string Name = "v1";

    public static void AddApiDocument(this IServiceCollection services)
    {
        services.AddOpenApi(Name, document => document
            .AddOperationTransformer<OperationTransformer>()
            .AddSchemaTransformer<SchemaTransformer>()
            .AddDocumentTransformer<DocumentTransformer>());
        services.AddSingleton(provider => new ApiDocument(provider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name)));
    }

    public static void MapApiDocument(this IEndpointRouteBuilder routes) =>
        routes.MapGet($"/openapi/{Name}.json", GetDocument).ExcludeFromDescription();

    private static async Task<FileContentHttpResult> GetDocument(ApiDocument document) => TypedResults.Bytes(await document.ReadAsync(), "application/json");
}
